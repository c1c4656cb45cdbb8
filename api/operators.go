package api

import (
	"net/mail"
	"strings"

	"github.com/alexedwards/argon2id"
	"github.com/gin-gonic/gin"

	"parley/dialogue"
	"parley/store"
)

func (s *Server) routeOperators(in *gin.RouterGroup) {
	in.PUT("/session/password", s.json(s.putOwnPassword))
	in.GET("/operators", s.json(s.listOperators))
	in.POST("/operators", s.requireAdmin, s.jsonCreated(s.createOperator))
	in.PUT("/operators/:id", s.requireAdmin, s.json(s.putOperator))
}

// listOperators lists who may log in; admins may ask for those who may not any more, too.
func (s *Server) listOperators(c *gin.Context) (any, error) {
	list := s.Store.Operators
	if c.Query("all") == "true" && operatorOf(c).Role == roleAdmin {
		list = s.Store.AllOperators
	}
	operators, err := list(c)
	if err != nil {
		return nil, err
	}
	views := make([]operatorView, len(operators))
	for i, o := range operators {
		views[i] = viewOperator(o)
	}
	return gin.H{"operators": views}, nil
}

// NewOperator is an operator or admin to add, with the password in the clear.
type NewOperator struct {
	Email    string `json:"email"`
	Name     string `json:"name"`
	Role     string `json:"role"`
	Password string `json:"password"`
}

// Prepare checks the input, and makes of it what is stored.
func (in NewOperator) Prepare() (store.NewOperator, error) {
	address, err := mail.ParseAddress(in.Email)
	if err != nil || address.Address != strings.TrimSpace(in.Email) {
		return store.NewOperator{}, dialogue.Errorf(dialogue.CodeInvalid, "%q is no e-mail address", in.Email)
	}
	if err := checkText("name", in.Name, dialogue.MaxName); err != nil {
		return store.NewOperator{}, err
	}
	if err := checkRole(in.Role); err != nil {
		return store.NewOperator{}, err
	}
	hash, err := HashPassword(in.Password)
	if err != nil {
		return store.NewOperator{}, err
	}
	return store.NewOperator{Email: strings.ToLower(address.Address), Name: strings.TrimSpace(in.Name), Role: in.Role, PasswordHash: hash}, nil
}

func checkRole(role string) error {
	if role != roleAdmin && role != "operator" {
		return dialogue.Errorf(dialogue.CodeInvalid, "role %q is neither admin nor operator", role)
	}
	return nil
}

func (s *Server) createOperator(c *gin.Context) (any, error) {
	var in NewOperator
	if err := readJSON(c, &in); err != nil {
		return nil, err
	}
	prepared, err := in.Prepare()
	if err != nil {
		return nil, err
	}
	added, err := s.Store.AddOperator(c, prepared)
	if err != nil {
		return nil, err
	}
	s.Log.Info("operator added", "request_id", requestID(c), "added_id", added.ID, "role", added.Role, "operator_id", operatorOf(c).ID)
	return viewOperator(added), nil
}

// putOperator changes what is given: name, role, password, and whether the
// operator may log in. Who may not any more, or has another password or role, is
// logged out everywhere; another password also ends their API tokens.
func (s *Server) putOperator(c *gin.Context) (any, error) {
	id, err := pathID(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		Name     *string `json:"name"`
		Role     *string `json:"role"`
		Disabled *bool   `json:"disabled"`
		Password *string `json:"password"`
	}
	if err := readJSON(c, &in); err != nil {
		return nil, err
	}
	change := store.OperatorChange{Name: in.Name, Role: in.Role, Disabled: in.Disabled}
	if in.Name != nil {
		if err := checkText("name", *in.Name, dialogue.MaxName); err != nil {
			return nil, err
		}
		name := strings.TrimSpace(*in.Name)
		change.Name = &name
	}
	if in.Role != nil {
		if err := checkRole(*in.Role); err != nil {
			return nil, err
		}
	}
	if in.Password != nil {
		if change.PasswordHash, err = HashPassword(*in.Password); err != nil {
			return nil, err
		}
	}
	changed, err := s.Store.ChangeOperator(c, id, change)
	if err != nil {
		return nil, err
	}
	s.Log.Info("operator changed", "request_id", requestID(c), "changed_id", id, "role", changed.Role,
		"disabled", changed.DisabledAt != nil, "password", in.Password != nil, "operator_id", operatorOf(c).ID)
	return viewOperator(changed), nil
}

// putOwnPassword gives the operator who asks another password. All their other
// sessions and API tokens end.
func (s *Server) putOwnPassword(c *gin.Context) (any, error) {
	o := operatorOf(c)
	var in struct{ Current, Password string }
	if err := readJSON(c, &in); err != nil {
		return nil, err
	}
	if err := s.limits.login.take("account " + o.Email); err != nil {
		return nil, err
	}
	match, err := argon2id.ComparePasswordAndHash(in.Current, o.PasswordHash)
	if err != nil {
		return nil, err
	}
	if !match {
		return nil, dialogue.Errorf(dialogue.CodeForbidden, "the current password is wrong")
	}
	hash, err := HashPassword(in.Password)
	if err != nil {
		return nil, err
	}
	if _, err := s.Store.ChangeOperator(c, o.ID, store.OperatorChange{PasswordHash: hash, KeepLogin: loginOf(c)}); err != nil {
		return nil, err
	}
	s.Log.Info("password changed", "request_id", requestID(c), "operator_id", o.ID)
	return nil, nil
}
