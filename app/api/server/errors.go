package server

import (
	"errors"
	"net/http"

	"gatewatch/app/api"
	"gatewatch/app/api/jsonhttp"
	"gatewatch/app/settings"
)

// failed answers for a request that the backend has refused, with the status other if the error has none of its own.
func failed(w http.ResponseWriter, err error, other int) {
	if bad, ok := errors.AsType[settings.Problems](err); ok {
		jsonhttp.Answer(w, http.StatusUnprocessableEntity, api.Refusal{Error: bad.Error(), Problems: bad})
		return
	}
	jsonhttp.Fail(w, statusOf(err, other), err.Error())
}

func statusOf(err error, other int) int {
	switch {
	case errors.As(err, new(*api.Conflict)), errors.Is(err, api.ErrNoChannels):
		return http.StatusConflict
	case errors.As(err, new(*api.Unconfirmed)):
		return http.StatusPreconditionRequired
	case errors.As(err, new(*api.Unanswered)):
		return http.StatusGatewayTimeout
	case errors.Is(err, api.ErrNoRule), errors.Is(err, api.ErrNoOrder), errors.Is(err, api.ErrNoChannel),
		errors.Is(err, api.ErrNoSecret):
		return http.StatusNotFound
	case errors.Is(err, api.ErrNoContract):
		return http.StatusUnprocessableEntity
	case errors.Is(err, api.ErrChanged):
		return http.StatusPreconditionFailed
	}
	return other
}
