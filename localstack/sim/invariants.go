package sim

// check looks at a run that is over.
func (w *world) check() {
	h := w.look()
	h.checkLives()
	h.checkBindings()
	h.checkPushes()
	h.checkWinners()
	h.checkAnswers()
	h.checkTwice()
	h.checkApart()
	h.checkTTL()
	h.checkLists()
	h.checkPipes()
	h.checkPipesApart()
	h.checkSent()
	h.checkUnsubscribed(nil)
	h.checkRefusedPipes()
	h.checkLocks()
	h.checkFreed()
	h.checkLogins()
	h.checkRights()
	h.checkListings()
	h.checkKicks()
	h.checkOutlived()
	h.checkTooBig()
	h.checkEmpty()
}
