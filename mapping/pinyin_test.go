package mapping_test

import (
	"strings"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/mapping"
)

// textOf evaluates a function on a text.
func textOf(t *testing.T, function, text string) string {
	t.Helper()
	got, err := mapping.Evaluate(function+"(user.username)", event.Values{"username": text})
	if err != nil {
		t.Fatalf("%s(%q): %v", function, text, err)
	}
	return strings.Join(got, "|")
}

// Characters that are read in another way where they are a family name, and some that are not.
func TestFamilyNamesAreReadAsSuch(t *testing.T) {
	for _, c := range strings.Fields(`
		阚:Kan 卜:Bu 薄:Bo 郇:Xun 粘:Nian 都:Du 召:Shao 佴:Nai 乜:Nie 繁:Po 秘:Bi 祭:Zhai 藏:Zang 能:Nai 贠:Yun
		单:Shan 仇:Qiu 解:Xie 查:Zha 曾:Zeng 任:Ren 华:Hua 盖:Ge 区:Ou 员:Yun 朴:Piao 宓:Mi 覃:Qin 翟:Zhai 乐:Yue 冼:Xian 洗:Xian 缪:Miao 谌:Chen
		逄:Pang 隗:Wei 折:She 黑:He 种:Chong 纪:Ji 那:Na 句:Gou 燕:Yan 应:Ying 幺:Yao 郗:Xi 尉:Wei 晟:Cheng 盛:Sheng 莘:Shen 蔚:Yu 炅:Gui 颉:Xie
		兒:Ni 钭:Tou 贲:Ben 費:Fei 费:Fei 褚:Chu 谷:Gu 葛:Ge 贾:Jia 宁:Ning 牟:Mou 车:Che 柏:Bai 叶:Ye 吕:Lyu 石:Shi 沈:Shen 俞:Yu 晁:Chao 殷:Yin
		訾:Zi 禚:Zhuo 仉:Zhang 亓:Qi 芈:Mi 郄:Qie 佘:She 厍:She 麴:Qu 阙:Que 恽:Yun 呙:Guo 庹:Tuo 昝:Zan 爨:Cuan 眭:Sui 糜:Mi 缑:Gou 蒯:Kuai 蹇:Jian
		谯:Qiao 过:Guo 迮:Ze 逯:Lu 邰:Tai 郏:Jia 郅:Zhi 酆:Feng 隽:Juan 雒:Luo 齐:Qi 冯:Feng 陆:Lu 祢:Mi 宿:Su 瞿:Qu 於:Yu 甯:Ning 阮:Ruan 單:Shan
		區:Ou 樂:Yue 員:Yun 闞:Kan 諶:Chen 蓋:Ge 長:Chang`) {
		character, want, _ := strings.Cut(c, ":")
		name := character + "小明"
		if got := textOf(t, "pinyinName", name); got != want+" Xiaoming" {
			t.Errorf("pinyinName(%q) = %q; want %q", name, got, want+" Xiaoming")
		}
		for function, expected := range map[string]string{
			"slug": want + "-xiao-ming", "pinyin": want + " xiao ming", "transliterate": want + " xiao ming", "samAccountName": want + "xiaoming",
		} {
			if got := textOf(t, function, name); got != strings.ToLower(expected) {
				t.Errorf("%s(%q) = %q; want the family name as in pinyinName: %q", function, name, got, strings.ToLower(expected))
			}
		}
		if got := textOf(t, "pinyin", textOf(t, "familyName", name)); got != strings.ToLower(want) {
			t.Errorf("pinyin(familyName(%q)) = %q; want %q", name, got, strings.ToLower(want))
		}
	}
}

func TestDoubleFamilyNames(t *testing.T) {
	for name, want := range map[string]string{
		"尉迟恭": "Yuchi Gong", "万俟卨": "Moqi Xie", "长孙无忌": "Zhangsun Wuji", "長孫無忌": "Zhangsun Wuji", "澹台灭明": "Tantai Mieming", "令狐冲": "Linghu Chong",
		"乐正绫": "Yuezheng Ling", "淳于意": "Chunyu Yi", "颛孙师": "Zhuansun Shi", "亓官牧": "Qiguan Mu", "司寇小明": "Sikou Xiaoming", "欧阳娜娜": "Ouyang Nana",
		"诸葛亮": "Zhuge Liang", "上官婉儿": "Shangguan Waner", "纳兰性德": "Nalan Xingde", "爱新觉罗溥仪": "Aixinjueluo Puyi", "呼延灼": "Huyan Zhuo",
		"公孙大娘": "Gongsun Daniang", "宰父黑": "Zaifu Hei", "叶赫那拉杏贞": "Yehenala Xingzhen",
	} {
		if got := textOf(t, "pinyinName", name); got != want {
			t.Errorf("pinyinName(%q) = %q; want %q", name, got, want)
		}
	}
	for _, name := range []string{"尉迟恭", "长孙无忌", "万俟卨"} {
		want := strings.ToLower(strings.Fields(textOf(t, "pinyinName", name))[0])
		if got := strings.ReplaceAll(textOf(t, "pinyin", textOf(t, "familyName", name)), " ", ""); got != want {
			t.Errorf("the family name of %s alone is %q; want %q", name, got, want)
		}
	}
}

// Names as directories have them: with marks, numbers, remarks and dots in them.
func TestNamesWithMarks(t *testing.T) {
	for _, c := range []struct{ name, family, given, pinyinName, slug string }{
		{"阿卜杜拉·买买提", "买买提", "阿卜杜拉", "Abudula Maimaiti", "a-bu-du-la-mai-mai-ti"},
		{"阿卜杜拉•买买提", "买买提", "阿卜杜拉", "Abudula Maimaiti", "a-bu-du-la-mai-mai-ti"},
		{"阿卜杜拉・买买提", "买买提", "阿卜杜拉", "Abudula Maimaiti", "a-bu-du-la-mai-mai-ti"},
		{"阿卜杜拉.买买提", "买买提", "阿卜杜拉", "Abudula Maimaiti", "a-bu-du-la-mai-mai-ti"},
		{"阿卜杜拉 · 买买提", "买买提", "阿卜杜拉", "Abudula Maimaiti", "a-bu-du-la-mai-mai-ti"},
		{"阿卜杜拉·买买提2（外包）", "买买提", "阿卜杜拉", "Abudula Maimaiti2", "a-bu-du-la-mai-mai-ti-2-wai-bao"},
		{"查尔斯·约翰·狄更斯", "狄更斯", "查尔斯·约翰", "Chaersi Yuehan Digengsi", "cha-er-si-yue-han-di-geng-si"},
		{"单·雄信", "单", "雄信", "Shan Xiongxin", "shan-xiong-xin"},
		{"阿卜杜拉᛫买买提", "买买提", "阿卜杜拉", "Abudula Maimaiti", "a-bu-du-la-mai-mai-ti"},
		{"阿卜杜拉●买买提", "买买提", "阿卜杜拉", "Abudula Maimaiti", "a-bu-du-la-mai-mai-ti"},
		{"阿卜杜拉ㆍ买买提", "买买提", "阿卜杜拉", "Abudula Maimaiti", "a-bu-du-la-mai-mai-ti"},
		{"阿卜杜拉．买买提", "买买提", "阿卜杜拉", "Abudula Maimaiti", "a-bu-du-la-mai-mai-ti"},
		{"David王", "王", "David", "Wang David", "david-wang"},
		{"Tom单", "单", "Tom", "Shan Tom", "tom-shan"},
		{"Tom 单", "单", "Tom", "Shan Tom", "tom-shan"},
		{"Tom尉迟", "尉迟", "Tom", "Yuchi Tom", "tom-yu-chi"},
		{"单Tom", "单", "Tom", "Shan Tom", "shan-tom"},
		{"尉迟", "尉迟", "", "Yuchi", "yu-chi"},
		{"万俟", "万俟", "", "Moqi", "mo-qi"},
		{"单\u200b雄信", "单", "雄信", "Shan Xiongxin", "shan-xiong-xin"},
		{"\u202e尉\u200d迟恭\u2069", "尉迟", "恭", "Yuchi Gong", "yu-chi-gong"},
		{"【外包】单雄信", "单", "雄信", "Shan Xiongxin", "wai-bao-shan-xiong-xin"},
		{"（外包）尉迟恭", "尉迟", "恭", "Yuchi Gong", "wai-bao-yu-chi-gong"},
		{"王小明2", "王", "小明2", "Wang Xiaoming2", "wang-xiao-ming-2"},
		{"单小明２", "单", "小明2", "Shan Xiaoming2", "shan-xiao-ming-2"},
		{"王小明 2", "王", "小明 2", "Wang Xiaoming 2", "wang-xiao-ming-2"},
		{"王小明B", "王", "小明B", "Wang XiaomingB", "wang-xiao-ming-b"},
		{"王小明-2", "王", "小明-2", "Wang Xiaoming-2", "wang-xiao-ming-2"},
		{"张三（外包）", "张", "三", "Zhang San", "zhang-san-wai-bao"},
		{"单三(外包)", "单", "三", "Shan San", "shan-san-wai-bao"},
		{"单三【研发部】", "单", "三", "Shan San", "shan-san-yan-fa-bu"},
		{"单三[离职", "单", "三", "Shan San", "shan-san-li-zhi"},
		{"张三-外包", "张", "三", "Zhang San", "zhang-san-wai-bao"},
		{"张三_外包", "张", "三", "Zhang San", "zhang-san-wai-bao"},
		{"张三/研发", "张", "三", "Zhang San", "zhang-san-yan-fa"},
		{"*单三*", "单", "三", "Shan San", "shan-san"},
		{"单 雄信", "单", "雄信", "Shan Xiongxin", "shan-xiong-xin"},
		{"尉迟 恭", "尉迟", "恭", "Yuchi Gong", "yu-chi-gong"},
		{"单，雄信", "单", "雄信", "Shan Xiongxin", "shan-xiong-xin"},
		{"单雄信 Tom", "单", "雄信 Tom", "Shan Xiongxin Tom", "shan-xiong-xin-tom"},
		{"单雄信(Tom)", "单", "雄信", "Shan Xiongxin", "shan-xiong-xin-tom"},
		{"欧阳修（外包）2", "欧阳", "修 2", "Ouyang Xiu 2", "ou-yang-xiu-wai-bao-2"},
		{"（外包）", "外", "包", "Wai Bao", "wai-bao"},
		{"Ann Lee (Berlin)", "Lee", "Ann", "Ann Lee (Berlin)", "ann-lee-berlin"},
		{"Lee, Ann (HR, Berlin)", "Lee", "Ann", "Lee, Ann (HR, Berlin)", "lee-ann-hr-berlin"},
		{"長谷川 太郎", "長谷川", "太郎", "Changguchuan Tailang", "chang-gu-chuan-tai-lang"},
		{"田中 さくら", "田中", "さくら", "Tianzhong さくら", "tian-zhong"},
		{"김철수2", "김", "철수2", "김철수2", "2"},
	} {
		for function, want := range map[string]string{"familyName": c.family, "givenName": c.given, "pinyinName": c.pinyinName, "slug": c.slug} {
			if got := textOf(t, function, c.name); got != want {
				t.Errorf("%s(%q) = %q; want %q", function, c.name, got, want)
			}
		}
	}
}

// Names of units begin with characters that are family names too.
func TestTextThatIsNoNameIsReadAsText(t *testing.T) {
	for text, want := range map[string]string{
		"解决方案部": "jie jue fang an bu", "单元测试组": "dan yuan ce shi zu", "能源部": "neng yuan bu", "区域销售": "qu yu xiao shou", "查询": "cha xun",
		"种子": "zhong zi", "秘书处": "mi shu chu", "黑龙江": "hei long jiang", "员工": "yuan gong", "乐队": "le dui", "成都办事处": "cheng du ban shi chu",
		"长沙": "chang sha", "萝卜": "luo bu", "折扣店": "zhe kou dian", "研发部 单": "yan fa bu dan", "": "",
	} {
		if got := textOf(t, "pinyin", text); got != want {
			t.Errorf("pinyin(%q) = %q; want %q", text, got, want)
		}
	}
}
