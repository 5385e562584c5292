package simulation_test

import "sync/atomic"

// trouble is a kind of what goes wrong on purpose.
type trouble int

// The kinds. Those from directoryDown to entriesHidden are weathers, in the order of these.
const (
	crash trouble = iota
	stopped
	clockSet
	diskFull
	directoryDown
	directoryReadOnly
	searchesCut
	loginForgotten
	entriesHidden
	busy
	lostBefore
	lostAfter
	fenced
	troubles
)

// names says what a kind is called in docs/promises.md.
func (t trouble) names() (english, chinese string) {
	names := [troubles][2]string{
		crash:             {"crashes", "崩溃"},
		stopped:           {"instances stopped", "实例被停住"},
		clockSet:          {"clocks set", "时钟被拨动"},
		diskFull:          {"disk full", "磁盘已满"},
		directoryDown:     {"directory down", "目录停机"},
		directoryReadOnly: {"directory read-only", "目录只读"},
		searchesCut:       {"searches cut", "搜索被截断"},
		loginForgotten:    {"login forgotten", "登录被忘记"},
		entriesHidden:     {"entries hidden", "条目被隐藏"},
		busy:              {"operations refused as busy", "因繁忙被拒绝的操作"},
		lostBefore:        {"connections lost before a write", "写入前连接断开"},
		lostAfter:         {"connections lost after a write", "写入后连接断开"},
		fenced:            {"writes that a fence refused", "被栅栏拒绝的写入"},
	}[t]
	return names[0], names[1]
}

// census counts what goes wrong.
type census [troubles]atomic.Int64

func (c *census) counts(t trouble) { c[t].Add(1) }

func (c *census) counted() (n [troubles]int) {
	for t := range c {
		n[t] = int(c[t].Load())
	}
	return n
}

// finding is what a simulation can find.
type finding int

// The kinds.
const (
	lost finding = iota
	unsettled
	doubled
	reordered
	letIn
	overGuard
	findings
)

// names says what a kind is called in docs/promises.md.
func (f finding) names() (english, chinese string) {
	names := [findings][2]string{
		lost:      {"found: lost", "发现：丢失"},
		unsettled: {"found: not settled", "发现：没有了结"},
		doubled:   {"found: doubled", "发现：重复"},
		reordered: {"found: out of order", "发现：乱序"},
		letIn:     {"found: let in who may not log in", "发现：放进了不得登录的人"},
		overGuard: {"found: deleted beyond a guard", "发现：删除超过防护限额"},
	}[f]
	return names[0], names[1]
}
