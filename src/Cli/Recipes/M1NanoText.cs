using System.Globalization;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Cli;

/// <summary>Short plain texts that the pretraining of m1-nano has beside its tasks: facts about numbers and words, and sentences, in English and Chinese.</summary>
internal static class M1NanoText
{
    private static readonly string[] digits = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    private static readonly string[] chineseDigits = ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九"];

    private static readonly string[] people = "Alice Bob Carol David Emma Frank Grace Henry Iris Jack Karen Leo Mia Noah Olivia Paul Rosa Sam Tina Victor".Split(' ');
    private static readonly string[] chinesePeople = "小明 小红 小刚 小丽 小华 小芳 小军 小美 小强 小雪".Split(' ');
    private static readonly string[] things = "apple book pencil lemon ticket flower bottle candle basket orange potato button kettle violin lantern".Split(' ');
    private static readonly string[] chineseThings = "苹果 铅笔 本子 橘子 鸡蛋 花 车票 气球 糖果 杯子".Split(' ');
    private static readonly string[] places = "garden kitchen market school library harbor station museum forest village".Split(' ');
    private static readonly string[] chinesePlaces = "花园 厨房 市场 学校 图书馆 车站 公园 商店".Split(' ');
    private static readonly string[] times = "In the morning|After lunch|On Monday|In winter|Every evening|Today|Yesterday|Before school".Split('|');
    private static readonly string[] chineseTimes = "早上 中午 晚上 今天 昨天 星期一 放学后 冬天".Split(' ');

    /// <summary>A fact about a number or a word.</summary>
    public static string Fact(TaskRandom random, TaskLanguage language)
    {
        var isChinese = language == TaskLanguage.Chinese;
        var n = random.Below(random.Pick([10, 100, 1000]));
        switch (random.Below(8))
        {
            case 0:
                var by = random.Range(1, 9);
                return string.Join('\n', Enumerable.Range(1, 9).Select(i => $"{by} × {i} = {by * i}"));
            case 1:
                return isChinese ? $"{n % 10} 读作{chineseDigits[n % 10]}。" : $"{n % 10} is written {digits[n % 10]}.";
            case 2:
                return isChinese ? $"{n} 是{(n % 2 == 0 ? "偶" : "奇")}数，下一个数是 {n + 1}。" : $"{n} is {(n % 2 == 0 ? "even" : "odd")}, and the next number is {n + 1}.";
            case 3:
                return isChinese
                    ? $"{n} 有 {n / 100} 个百、{n / 10 % 10} 个十、{n % 10} 个一。"
                    : $"{n} has {n / 100} hundreds, {n / 10 % 10} tens and {n % 10} ones.";
            case 4:
                return isChinese ? $"{n} 的两倍是 {2 * n}。{2 * n} 的一半是 {n}。" : $"Twice {n} is {2 * n}. Half of {2 * n} is {n}.";
            case 5:
                var word = random.Pick(things);
                return isChinese
                    ? $"单词 {word}：{string.Join(' ', word.ToCharArray())}，共 {word.Length} 个字母。"
                    : $"The word {word} is spelled {string.Join(' ', word.ToCharArray())}: {word.Length} letters.";
            case 6:
                var other = random.Below(random.Pick([10, 100, 1000]));
                var sign = n < other ? "<" : n > other ? ">" : "=";
                return isChinese ? $"{n} {sign} {other}。" : $"Compare {n} and {other}: {n} {sign} {other}.";
            default:
                var (step, first) = (random.Pick([1, 2, 3, 5, 10]), random.Below(300));
                var numbers = string.Join(", ", Enumerable.Range(0, random.Range(5, 10)).Select(i => (first + (i * step)).ToString(CultureInfo.InvariantCulture)));
                return isChinese ? $"从 {first} 开始每次加 {step}：{numbers}。" : $"Count up by {step} from {first}: {numbers}.";
        }
    }

    /// <summary>A few sentences about people and things, whose numbers agree.</summary>
    public static string Sentences(TaskRandom random, TaskLanguage language)
    {
        var isChinese = language == TaskLanguage.Chinese;
        var names = random.Draw(isChinese ? chinesePeople : people, 2);
        var thing = random.Pick(isChinese ? chineseThings : things);
        var place = random.Pick(isChinese ? chinesePlaces : places);
        var time = random.Pick(isChinese ? chineseTimes : times);
        var (a, b) = (random.Range(2, 40), random.Range(2, 40));
        return (random.Below(4), isChinese) switch
        {
            (0, false) => $"{time} {names[0]} has {a} {thing}s and {names[1]} has {b}. Together they have {a + b} {thing}s.",
            (0, true) => $"{time}{names[0]}有 {a} 个{thing}，{names[1]}有 {b} 个。他们一共有 {a + b} 个{thing}。",
            (1, false) => $"{names[0]} went to the {place} with {a + b} {thing}s. {names[0]} gave {a} to {names[1]}, so {b} were left.",
            (1, true) => $"{names[0]}带着 {a + b} 个{thing}去了{place}，送给{names[1]} {a} 个，还剩 {b} 个。",
            (2, false) => $"{time} {names[0]} and {names[1]} are in the {place}. {names[0]} looks at a {thing}. \"How many do you see?\" asks {names[1]}. \"I see {a},\" says {names[0]}.",
            (2, true) => $"{time}{names[0]}和{names[1]}在{place}。{names[1]}问：“你看到几个{thing}？”{names[0]}说：“我看到 {a} 个。”",
            (_, false) => $"There are {a} {thing}s in the {place}. {names[0]} always tells the truth. {names[1]} says that there are {b}. That is {(a == b ? "right" : "wrong")}.",
            _ => $"{place}里有 {a} 个{thing}。{names[0]}总说真话。{names[1]}说有 {b} 个，这{(a == b ? "对" : "不对")}。",
        };
    }
}
