package bot_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/bot"
)

func TestPingSaysWhetherTheModelAnswersAndWhatThatTook(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		class   bot.ErrorClass // empty: it answers
		tokens  int
	}{
		"answers": {sse(delta("Yes."), finish("stop"), usage, done), "", 127},
		"empty":   {sse(finish("stop"), usage, done), bot.ErrorMalformed, 127},
		"bad key": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, bot.ErrorBadKey, 0},
		"down":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, bot.ErrorUnavailable, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(c.handler)
			t.Cleanup(server.Close)
			model, err := bot.NewOpenAI(bot.OpenAIConfig{BaseURL: server.URL + "/v1", Key: secretKey, Model: "test-model"})
			require.NoError(t, err)
			spent, err := model.Ping(t.Context())
			if c.class == "" {
				require.NoError(t, err)
			} else {
				var failed *bot.Error
				require.ErrorAs(t, err, &failed)
				require.Equal(t, c.class, failed.Class)
			}
			require.Equal(t, 1, spent.Calls)
			if c.tokens > 0 {
				require.Equal(t, c.tokens, spent.PromptTokens+spent.CompletionTokens)
			}
		})
	}
}
