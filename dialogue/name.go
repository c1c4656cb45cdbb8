package dialogue

// MaxName is how long the name of a person or a channel may be, in characters.
const MaxName = 100
