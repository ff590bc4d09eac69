package sim

func (w *world) checkSettled() {}
func (w *world) check() {}
func (w *world) checkOvertaking(l *life) {}
