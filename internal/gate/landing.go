package gate

// Landing is how what a merge brought to a branch stands to what was judged: the
// mechanical merge of the pull request's head into the branch before it.
type Landing string

// The landings. LandedUnread is never taken for LandedSame.
const (
	LandedSame    Landing = "same"
	LandedDiffers Landing = "differs"
	LandedUnread  Landing = "cannot tell"
)
