package server

import "gatewatch/app/api"

// messages returns what GET /messages answers.
func (s *Server) messages() api.Messages {
	return api.Messages{Messages: present(s.backend.Messages().Messages)}
}

// latency returns what GET /latency answers.
func (s *Server) latency() api.Latency {
	return api.Latency{Minutes: present(s.backend.Latency().Minutes)}
}
