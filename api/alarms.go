package api

import (
	"github.com/gin-gonic/gin"
)

func (s *Server) routeAlarms(in *gin.RouterGroup) {
	in.GET("/alarms", s.json(s.listAlarms))
	in.POST("/alarms/:id/close", s.requireAdmin, s.json(s.closeAlarm))
}

func (s *Server) listAlarms(c *gin.Context) (any, error) {
	alarms, err := s.Store.Alarms(c)
	if err != nil {
		return nil, err
	}
	return gin.H{"alarms": alarms}, nil
}

func (s *Server) closeAlarm(c *gin.Context) (any, error) {
	id, err := pathID(c)
	if err != nil {
		return nil, err
	}
	by := operatorRef(c)
	alarm, err := s.Store.CloseAlarm(c, id, by)
	if err != nil {
		return nil, err
	}
	s.Log.Info("alarm closed", "alarm_id", id, "cause", alarm.Cause, "operator_id", by.ID)
	return gin.H{"alarm": alarm}, nil
}
