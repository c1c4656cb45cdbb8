package api

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"parley/dialogue"
	"parley/store"
	"parley/store/db"
)

const (
	sessionCookie = "parley_session"
	sessionLife   = 30 * 24 * time.Hour
	roleAdmin     = "admin"
	operatorKey   = "operator"
	loginKey      = "login"   // the token hash of the session or API token
	sessionKey    = "session" // set when it is a session
)

// passwordParams follow OWASP's recommendation for Argon2id on servers
// (https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html).
func passwordParams() *argon2id.Params {
	return &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}
}

// HashPassword makes what is stored of a password.
func HashPassword(password string) (string, error) {
	if n := utf8.RuneCountInString(password); n < 8 || n > 200 {
		return "", dialogue.Errorf(dialogue.CodeInvalid, "a password has 8 to 200 characters")
	}
	return argon2id.CreateHash(password, passwordParams())
}

// shownOfToken is how much of an API token is kept to tell it from others: 48 of
// its 256 random bits.
const shownOfToken = 8

// NewAPIToken makes a token for a program that acts as an operator, and what is
// stored of it.
func NewAPIToken(operator uuid.UUID, name string) (token string, in store.NewAPIToken) {
	token, hash := NewToken()
	for token[0] == '-' { // commands would take it for a flag
		token, hash = NewToken()
	}
	return token, store.NewAPIToken{Operator: operator, Hash: hash, Prefix: token[:shownOfToken], Name: name}
}

// NewToken makes a secret of 32 random bytes for a session or a program, and the
// hash under which it is stored.
func NewToken() (token string, hash []byte) {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails: crypto/rand ends the program instead
	token = base64.RawURLEncoding.EncodeToString(raw)
	return token, TokenHash(token)
}

// TokenHash is what is stored of a token.
func TokenHash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

func bearer(c *gin.Context) string {
	scheme, token, _ := strings.Cut(c.GetHeader("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

type operatorView struct {
	ID    uuid.UUID `json:"id"`
	Email string    `json:"email"`
	Name  string    `json:"name"`
	Role  string    `json:"role"`

	Disabled bool `json:"disabled,omitempty"` // may not log in any more
}

func viewOperator(o db.Operator) operatorView {
	return operatorView{ID: o.ID, Email: o.Email, Name: o.Name, Role: o.Role, Disabled: o.DisabledAt != nil}
}

func (s *Server) login(c *gin.Context) (any, error) {
	// Another site must not log its visitor in as somebody of its choice. A form of its own cannot be sent as JSON.
	if err := fromOwnPages(c); err != nil {
		return nil, err
	}
	if media, _, err := mime.ParseMediaType(c.GetHeader("Content-Type")); err != nil || media != "application/json" {
		return nil, dialogue.Errorf(dialogue.CodeInvalid, "a login is JSON: send it with Content-Type: application/json")
	}
	var in struct{ Email, Password string }
	if err := readJSON(c, &in); err != nil {
		return nil, err
	}
	email := strings.ToLower(strings.TrimSpace(in.Email))
	for _, key := range []string{"ip " + c.ClientIP(), "account " + email} {
		if err := s.limits.login.take(key); err != nil {
			return nil, err
		}
	}
	operator, err := s.checkPassword(c, email, in.Password)
	if err != nil {
		return nil, err
	}
	token, hash := NewToken()
	if err := s.Store.AddSession(c, hash, operator.ID, time.Now().Add(sessionLife)); err != nil {
		return nil, err
	}
	s.setCookie(c, token, sessionLife)
	return gin.H{"operator": viewOperator(operator)}, nil
}

// checkPassword finds who logs in. An unknown address takes as long as a wrong
// password, and is told the same.
func (s *Server) checkPassword(c *gin.Context, email, password string) (db.Operator, error) {
	wrong := dialogue.Errorf(dialogue.CodeUnauthorized, "the e-mail address or the password is wrong")
	operator, err := s.Store.OperatorByEmail(c, email)
	if dialogue.ErrorCode(err) == dialogue.CodeNotFound {
		_, _ = argon2id.CreateHash(password, passwordParams())
		return db.Operator{}, wrong
	}
	if err != nil {
		return db.Operator{}, err
	}
	match, err := argon2id.ComparePasswordAndHash(password, operator.PasswordHash)
	if err != nil {
		return db.Operator{}, err
	}
	if !match || operator.DisabledAt != nil {
		return db.Operator{}, wrong
	}
	return operator, nil
}

func (s *Server) setCookie(c *gin.Context, token string, life time.Duration) {
	http.SetCookie(c.Writer, &http.Cookie{
		Name: sessionCookie, Value: token, Path: "/", MaxAge: int(life.Seconds()), HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: c.Request.TLS != nil || strings.HasPrefix(s.PublicURL, "https://"),
	})
}

func (s *Server) getSession(c *gin.Context) (any, error) {
	return gin.H{"operator": viewOperator(operatorOf(c))}, nil
}

func (s *Server) logout(c *gin.Context) (any, error) {
	if c.GetBool(sessionKey) {
		if err := s.Store.EndSession(c, loginOf(c)); err != nil {
			return nil, err
		}
	}
	s.setCookie(c, "", -time.Second)
	return nil, nil
}

// authenticate finds who asks: a program by its API token, a browser by its
// session cookie. A browser's changes must come from our own pages.
func (s *Server) authenticate(c *gin.Context) {
	if token := bearer(c); token != "" {
		hash := TokenHash(token)
		operator, err := s.Store.OperatorByAPIToken(c, hash)
		if err != nil {
			s.fail(c, err)
			return
		}
		c.Set(loginKey, hash)
		s.admit(c, operator)
		return
	}
	token, err := c.Cookie(sessionCookie)
	if err != nil || token == "" {
		s.fail(c, dialogue.Errorf(dialogue.CodeUnauthorized, "you are not logged in: log in first"))
		return
	}
	if err := fromOwnPages(c); err != nil {
		s.fail(c, err)
		return
	}
	hash := TokenHash(token)
	operator, err := s.Store.OperatorBySession(c, hash)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Set(loginKey, hash)
	c.Set(sessionKey, true)
	s.admit(c, operator)
}

// fromOwnPages fails for a browser's change that another site has it make. What
// is no browser's passes.
func fromOwnPages(c *gin.Context) error {
	if err := http.NewCrossOriginProtection().Check(c.Request); err != nil {
		return dialogue.Errorf(dialogue.CodeForbidden, "this request comes from another site")
	}
	return nil
}

// admit lets the request of an operator pass, unless there are too many of theirs.
func (s *Server) admit(c *gin.Context, operator db.Operator) {
	c.Set(operatorKey, operator)
	c.Request = c.Request.WithContext(store.ActingAs(c.Request.Context(), store.Actor{Kind: store.ActorOperator, ID: operator.ID, Name: operator.Name}))
	if err := s.limits.operator.take(operator.ID.String()); err != nil {
		s.fail(c, err)
	}
}

func (s *Server) requireAdmin(c *gin.Context) {
	if operatorOf(c).Role != roleAdmin {
		s.fail(c, dialogue.Errorf(dialogue.CodeForbidden, "only admins may do that: ask one of yours"))
	}
}

func operatorOf(c *gin.Context) db.Operator { return c.MustGet(operatorKey).(db.Operator) }

func operatorRef(c *gin.Context) store.OperatorRef {
	o := operatorOf(c)
	return store.OperatorRef{ID: o.ID, Name: o.Name}
}

// loginOf is the token hash of the session or API token that a request comes with.
func loginOf(c *gin.Context) []byte { return c.MustGet(loginKey).([]byte) }
