package server

import (
	"net/http"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/api/jsonhttp"
	"gatewatch/app/api/loopback"
)

// PageURL returns the address of the page with a code that is valid once, for some seconds.
func (s *Server) PageURL() string { return s.URL() + "/#code=" + s.codes.New(time.Now()) }

// session exchanges a code for a token, only for a process of this user where the system tells.
func (s *Server) session(w http.ResponseWriter, r *http.Request) {
	var asked api.PageCode
	if !jsonhttp.Decode(w, r, &asked, func() bool { return asked.Code != "" }, `{"code": "CODE"}`) {
		return
	}
	if !loopback.SameUser(r) {
		s.log.Warn("another user of this computer tried to open the page")
		jsonhttp.Fail(w, http.StatusForbidden, "this is another user's Gatewatch")
		return
	}
	token, ok := s.codes.Exchange(asked.Code, time.Now())
	if !ok {
		s.log.Warn("a code for the page was refused: unknown, too old, or used before")
		jsonhttp.Fail(w, http.StatusForbidden, "the code is unknown, older than 30 s, or was used before; open the "+
			"page again, from the tray or with `gatewatch open`")
		return
	}
	jsonhttp.Answer(w, http.StatusOK, api.PageToken{Token: token})
}
