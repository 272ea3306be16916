using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace MiniMaxSharp.Tasks;

/// <summary>What a user says that is no task.</summary>
public enum TalkKind
{
    /// <summary>A greeting, or a question who answers.</summary>
    Greeting,

    /// <summary>A question what the model can do.</summary>
    Ability,

    /// <summary>Thanks or a farewell.</summary>
    Thanks,

    /// <summary>A question that no task covers; the right answer is that the model does not know.</summary>
    Outside,

    /// <summary>A sum, difference, product or quotient of longer numbers than the model has learnt; the right answer is that it does not know.</summary>
    TooLong,

    /// <summary>A division that does not come out even; the answer is quotient and remainder.</summary>
    Uneven,
}

/// <summary>
/// Conversations beside the tasks: greetings, what the model can do, and questions outside of what it knows. The tasks that it names are those
/// of the recipes for m1-nano.
/// </summary>
/// <param name="Kind">What is said.</param>
/// <param name="Question">The user's words.</param>
/// <param name="Reasoning">The model's thought.</param>
/// <param name="Answer">The model's words.</param>
/// <param name="Split">Which stage may see it; short greetings are few and all belong to fine-tuning.</param>
public sealed record SmallTalk(TalkKind Kind, string Question, string Reasoning, string Answer, TaskSplit Split)
{
    private const string Skills =
        "I can add, subtract, multiply and divide whole numbers, compare and sort numbers, solve linear equations, work with fractions, play countdown, count letters, complete brackets, and solve small puzzles about truth and lies.";

    private const string ChineseSkills = "我会做整数加减乘除、比较大小、排序、解一元一次方程、分数运算、凑数游戏、数字母、补全括号，还会做简单的真假推理题。";

    private static readonly string[] greetings = ["Hello", "Hi", "Hey", "Good morning", "Good evening", "Good afternoon", "Hello there", "Hi there", "Greetings", "Hello, how are you", "Hi, nice to meet you", "Who are you", "What are you", "What is your name", "Hi, who are you"];
    private static readonly string[] chineseGreetings = ["你好", "您好", "早上好", "晚上好", "下午好", "嗨", "你好呀", "大家好", "你好，很高兴认识你", "你是谁", "你叫什么名字", "你好，你是谁", "你好吗"];
    private static readonly string[] abilities = ["What can you do", "What do you know", "How can you help me", "What are you able to do", "Which tasks do you know", "What can I ask you", "Can you help me", "Help", "Tell me what you can do", "What kind of questions can you answer"];
    private static readonly string[] chineseAbilities = ["你会做什么", "你能做什么", "你知道什么", "你可以怎么帮我", "我可以问你什么", "你会哪些题目", "你有什么本领", "帮助", "请介绍一下你会做什么"];
    private static readonly string[] thanks = ["Thanks", "Thank you", "Thank you very much", "Great, thanks", "That was helpful", "Goodbye", "Bye", "See you", "Well done"];
    private static readonly string[] chineseThanks = ["谢谢", "谢谢你", "非常感谢", "太好了，谢谢", "再见", "拜拜", "做得好", "辛苦了"];

    private static readonly string[] outside =
    [
        "What is the capital of {0}?", "Who is the president of {0}?", "How many people live in {0}?", "What is the weather in {0}?", "What time is it in {0}?", "Tell me about the history of {0}.",
        "Which language do people speak in {0}?", "How far is it from {0} to {1}?", "Who wrote the book about the {2}?", "Write a poem about a {2}.", "Tell me a story about a {2} and a {3}.", "What does the word {2} mean?",
        "Translate \"{2}\" into French.", "How much does a {2} cost?", "Where can I buy a {2}?", "Why is a {2} better than a {3}?", "What is the square root of {4}?", "Is {4} a prime number?", "What is the logarithm of {4}?",
        "What is the derivative of x^{5}?", "What is the integral of x^{5}?", "Solve x^2 + {5}x = {4}.", "What happened in the year {4}?", "Write a program that prints {4}.", "What is sin({4})?", "How do I cook a {2}?", "Draw a {2}.",
    ];

    private static readonly string[] chineseOutside =
    [
        "{0}的首都是哪里？", "{0}有多少人口？", "{0}今天天气怎么样？", "请介绍一下{0}的历史。", "从{0}到{1}有多远？", "写一首关于{2}的诗。", "讲一个{2}和{3}的故事。", "把“{2}”翻译成英语。", "一个{2}多少钱？", "哪里可以买到{2}？",
        "{4} 的平方根是多少？", "{4} 是质数吗？", "{4} 的对数是多少？", "x^{5} 的导数是什么？", "求 x^{5} 的积分。", "解方程 x^2 + {5}x = {4}。", "{4} 年发生了什么？", "写一个输出 {4} 的程序。", "怎么做{2}？", "画一个{2}。",
    ];

    private static readonly string[] places = "France Spain Italy China Japan India Brazil Canada Mexico Egypt Kenya Peru Chile Norway Sweden Poland Greece Turkey Germany Austria Paris London Berlin Tokyo Beijing Rome Madrid Moscow".Split(' ');
    private static readonly string[] chinesePlaces = "法国 西班牙 意大利 中国 日本 印度 巴西 加拿大 埃及 德国 英国 美国 北京 上海 广州 东京 巴黎 伦敦".Split(' ');
    private static readonly string[] chineseThings = "苹果 小猫 月亮 春天 大海 面包 自行车 花园 老虎 兔子 火车 蛋糕 雨伞 书包 米饭 西瓜".Split(' ');

    /// <summary>Operations with the first level that may be too hard, and the most digits of a number that are not.</summary>
    private static readonly (string Task, int Level, int Digits)[] operations = [("addition", 5, 4), ("subtraction", 5, 4), ("multiplication", 4, 2), ("division", 4, 4)];

    /// <summary>Something that a user may say. The same seed gives the same words everywhere.</summary>
    public static SmallTalk Sample(TalkKind kind, ulong seed, TaskLanguage language)
    {
        var random = TaskRandom.Named($"talk/{kind}/{language.Code()}", seed);
        var isChinese = language == TaskLanguage.Chinese;
        switch (kind)
        {
            case TalkKind.Outside:
                return SampleOutside(random, isChinese);
            case TalkKind.TooLong:
                return SampleTooLong(random, language);
            case TalkKind.Uneven:
                return SampleUneven(random, language);
        }

        var words = random.Pick((kind, isChinese) switch
        {
            (TalkKind.Greeting, false) => greetings,
            (TalkKind.Greeting, true) => chineseGreetings,
            (TalkKind.Ability, false) => abilities,
            (TalkKind.Ability, true) => chineseAbilities,
            (_, false) => thanks,
            _ => chineseThanks,
        });
        var end = isChinese ? random.Pick(["", "。", "！", "？"]) : random.Pick(["", ".", "!", "?"]);
        var (reasoning, answer) = Reply(kind, isChinese, random);
        return new SmallTalk(kind, (random.OneIn(4) ? words.ToLowerInvariant() : words) + end, reasoning, answer, TaskSplit.Sft);
    }

    /// <summary>True when a reply says that the model does not know, in words of either language, and gives no boxed answer.</summary>
    public static bool SaysUnknown(string reply)
    {
        var after = reply.LastIndexOf("</think>", StringComparison.Ordinal);
        var answer = after < 0 ? reply : reply[after..];
        return FinalAnswer.Extract(reply) is null
            && (answer.Contains("I don't know", StringComparison.OrdinalIgnoreCase) || answer.Contains("不知道", StringComparison.Ordinal));
    }

    /// <summary>A line of a training file.</summary>
    public JsonObject ToExample() => new()
    {
        ["task"] = $"talk/{Kind.ToString().ToLowerInvariant()}",
        ["split"] = Split.ToString().ToLowerInvariant(),
        ["messages"] = new JsonArray(
            new JsonObject { ["role"] = "user", ["content"] = Question },
            new JsonObject { ["role"] = "assistant", ["reasoning_content"] = Reasoning, ["content"] = Answer }),
    };

    private static SmallTalk SampleOutside(TaskRandom random, bool isChinese)
    {
        var places = random.Draw(isChinese ? chinesePlaces : SmallTalk.places, 2);
        var things = random.Draw(isChinese ? chineseThings : WordList.All, 2);
        var question = string.Format(
            CultureInfo.InvariantCulture, random.Pick(isChinese ? chineseOutside : outside), places[0], places[1], things[0], things[1], random.Range(2, 2999), random.Range(2, 9));
        return isChinese
            ? new SmallTalk(TalkKind.Outside, question, "这不是我会的题目，我不应该猜。", random.Pick(["这个我不知道。", "对不起，我不知道。"]) + ChineseSkills, TaskInstance.SplitOf($"talk\n{question}"))
            : new SmallTalk(TalkKind.Outside, question, "This is none of the tasks that I know. I should not guess.", random.Pick(["I don't know that. ", "Sorry, I don't know. "]) + Skills, TaskInstance.SplitOf($"talk\n{question}"));
    }

    private static SmallTalk SampleTooLong(TaskRandom random, TaskLanguage language)
    {
        while (true)
        {
            var (task, level, most) = random.Pick(operations);
            var instance = TaskCatalog.Get(task).Sample(level + random.Below(3), random.NextBits(), language);
            using var data = JsonDocument.Parse(instance.Data);
            var longest = Math.Max(data.RootElement.GetProperty("a").GetInt64(), data.RootElement.GetProperty("b").GetInt64()).ToString(CultureInfo.InvariantCulture);
            if (longest.Length <= most)
            {
                continue; // A quotient of three digits may come from a number of four.
            }

            var question = random.OneIn(2) ? instance.Prompt : instance.Question!;
            return language == TaskLanguage.Chinese
                ? new SmallTalk(TalkKind.TooLong, question, $"{longest} 有 {longest.Length} 位，我只会 {most} 位以内的数。我不应该猜。", "这个我不知道：这些数对我来说太长了。给我一个计算器，我就能算。", instance.Split)
                : new SmallTalk(TalkKind.TooLong, question, $"{longest} has {longest.Length} digits, and I know numbers of up to {most}. I should not guess.", "I don't know that: the numbers are too long for me. Give me a calculator, and I can do it.", instance.Split);
        }
    }

    private static SmallTalk SampleUneven(TaskRandom random, TaskLanguage language)
    {
        while (true)
        {
            var instance = TaskCatalog.Get("division").Sample(random.Range(1, 3), random.NextBits(), language);
            using var data = JsonDocument.Parse(instance.Data);
            var (even, b) = (data.RootElement.GetProperty("a").GetInt64(), data.RootElement.GetProperty("b").GetInt64());
            if (b == 1 || even == b)
            {
                continue; // Nothing is left over, or the numbers cannot be told apart in the question.
            }

            var rest = random.Range(1, (int)b - 1);
            var a = even + rest;
            var steps = new Derivation(random.Fork("derivation"), language);
            var quotient = ColumnMethods.Divide(steps, a, b);
            var question = Regex.Replace((random.OneIn(2) ? instance.Prompt : instance.Question)!, $@"(?<!\d){even}(?!\d)", a.ToString(CultureInfo.InvariantCulture));
            var split = TaskInstance.SplitOf($"uneven\n{a} ÷ {b}");
            return language == TaskLanguage.Chinese
                ? new SmallTalk(TalkKind.Uneven, question, steps.ToString(), $"{a} ÷ {b} 除不尽：商是 {quotient}，余数是 {rest}。", split)
                : new SmallTalk(TalkKind.Uneven, question, steps.ToString(), $"{a} ÷ {b} does not come out even: it is {quotient} with remainder {rest}.", split);
        }
    }

    private static (string Reasoning, string Answer) Reply(TalkKind kind, bool isChinese, TaskRandom random) => (kind, isChinese) switch
    {
        (TalkKind.Greeting, false) => ("The user greets me. I say who I am and what I can do.", random.Pick(["Hello! ", "Hi! "]) + "I am m1-nano, a small reasoning model. " + Skills),
        (TalkKind.Greeting, true) => ("用户在打招呼。我介绍自己和我会做的事。", "你好！我是 m1-nano，一个小型推理模型。" + ChineseSkills),
        (TalkKind.Ability, false) => ("The user asks what I can do.", Skills + random.Pick([" Ask me something!", " For example: What is 47 + 85?"])),
        (TalkKind.Ability, true) => ("用户问我会做什么。", ChineseSkills + random.Pick(["来考考我吧！", "例如：47 + 85 等于多少？"])),
        (_, false) => ("The user says thanks or goodbye.", random.Pick(["You are welcome! Ask me again at any time.", "Gladly! I am here for the next question."])),
        _ => ("用户在道谢或告别。", random.Pick(["不客气！随时可以再问我。", "很高兴帮到你！"])),
    };
}
