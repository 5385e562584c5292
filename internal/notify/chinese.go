package notify

import (
	"cmp"
	"fmt"
)

// Language is the one in which people are told.
type Language string

// The languages.
const (
	English Language = "en"
	Chinese Language = "zh"
)

// chineseTitle is the title in Chinese.
func (m Message) chineseTitle() string {
	switch m.Kind {
	case Held:
		return fmt.Sprintf("%s 有 %d 个事件被拦下，等待人工决定", m.Subject, m.Count)
	case Failed:
		return fmt.Sprintf("%s 有 %d 个事件失败", cmp.Or(m.Subject, "不属于任何目录的事件中"), m.Count)
	case Down:
		if m.Over {
			return "目录 " + m.Subject + " 已恢复"
		}
		return "目录 " + m.Subject + " 无法写入"
	case Certificate:
		return "有证书需要更换：" + m.Subject
	case Store:
		return "存储库有问题"
	case Pull:
		return "未能为 " + m.Subject + " 读取 IDaaS 自己的 API"
	case Test:
	}
	return "这是一条测试消息"
}

// chineseAction is the action in Chinese.
func (m Message) chineseAction() string {
	switch m.Kind {
	case Held:
		return "请在控制台中或用 'idaas-ldap events list --held' 查看，然后批准或丢弃。"
	case Failed:
		return "请用 'idaas-ldap events list --failed' 查看，消除原因，再用 'idaas-ldap events retry --failed' 重试。"
	case Down:
		if m.Over {
			return "无需处理；等待的内容正在写入。"
		}
		return "在此期间事件会保存下来，不会丢失。请检查连接、登录和服务器。"
	case Certificate:
		return "请用新证书替换该文件；文件会自动读取。"
	case Store:
		return "请检查磁盘和服务的日志；怎样更换损坏的存储库，见 docs/zh-CN/backup.md。"
	case Pull:
		return "'idaas-ldap pull' 说明原因；会自动重试。"
	case Test:
	}
	return "无需处理。"
}

// chineseRepeated says in Chinese how often it has happened.
func chineseRepeated(m Message) string {
	times := fmt.Sprintf("上次通知之后又发生了 %d 次", m.Repeats)
	if m.Over && m.Kind == Down {
		return times + "，现已结束。"
	}
	return times + "。"
}
