using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>Reach a target from given numbers, each used exactly once, with + − × ÷ and brackets. Every right expression counts.</summary>
public sealed class Countdown : ArithmeticTask
{
    private const int LargestJoin = 200;
    private static readonly char[] signs = ['+', '-', '×', '÷'];
    private readonly bool isTwentyFour;

    private Countdown(string name, bool isTwentyFour, string description, string levelMeaning, int maxLevel)
        : base(name, description, levelMeaning, maxLevel) => this.isTwentyFour = isTwentyFour;

    /// <summary>Countdown and the game of 24.</summary>
    public static IEnumerable<ReasoningTask> All =>
    [
        new Countdown("countdown", false, "An expression of given numbers that reaches a target.", "3 and more numbers: level + 2", 4),
        new Countdown("game-of-24", true, "An expression of four numbers that is 24.", "largest number: 1: 6, 2: 9, 3: 13; 4: fractions are needed on the way or × and ÷ both", 4),
    ];

    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var (numbers, target, solution) = isTwentyFour ? DrawTwentyFour(random, level) : DrawCountdown(random, level);
        var steps = Think(random, language);
        var found = isTwentyFour || level > 2 ? null : Look(steps, numbers, target);
        solution = found ?? Show(steps, random.Fork("tries"), numbers, target, solution);
        steps.Say($"{solution.Text} = {target}").Check("every number is used once, right.", "每个数都恰好用了一次，正确。");
        var list = string.Join(", ", numbers);
        var question = Ask(
            random,
            language,
            ["Use the numbers {0}, each exactly once, with + - × ÷ and brackets to make {1}.", "Make {1} from the numbers {0}. Use every number exactly once; + - × ÷ and brackets are allowed. Answer with the expression.", "Find an expression that equals {1} and uses each of {0} exactly once (+, -, ×, ÷, brackets).", "Make {1} with {0}.", "Make {1} with the numbers {0}."],
            ["用数字 {0}（每个恰好用一次）和 + - × ÷ 及括号，得到 {1}。", "请用 {0} 各一次，通过加减乘除和括号算出 {1}，给出算式。", "写出一个等于 {1} 的算式，{0} 每个数恰好使用一次。", "用 {0} 凑出 {1}。"],
            list,
            target);
        return new TaskProblem(question, solution.Text, new JsonObject { ["numbers"] = TaskJson.Array(numbers), ["target"] = target }, numbers.Length * 10 + level, steps.ToString());
    }

    /// <inheritdoc/>
    protected override string? Fault(JsonElement data, string gold, string answer)
    {
        var text = AnswerText.Normalize(answer);
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        if (ExpressionParser.Parse(equals < 0 ? text : text[..equals]) is not { } expression || !expression.IsPlainArithmetic())
        {
            return "not an expression of + − × ÷ and whole numbers";
        }

        var used = new List<Rational>();
        expression.CollectNumbers(used);
        var wanted = data.Ints("numbers").Order().Select(number => Rational.Of(number));
        if (!used.OrderBy(number => number.Numerator).SequenceEqual(wanted))
        {
            return "the given numbers are not used exactly once each";
        }

        return expression.Exact() is { } value && value == Rational.Of(data.Int("target")) ? null : "the expression does not reach the target";
    }

    private static (int[] Numbers, int Target, Combination Solution) DrawCountdown(TaskRandom random, int level)
    {
        while (true)
        {
            var numbers = Enumerable.Range(0, level + 2).Select(_ => random.Range(1, random.OneIn(3) ? 25 : 10)).ToArray();
            var made = Combination.Random(random, numbers, signs);
            if (made is { Value.IsInteger: true } && made.Value.Numerator >= 10 && made.Value.Numerator <= 100)
            {
                return (numbers, (int)made.Value.Numerator, made);
            }
        }
    }

    private static (int[] Numbers, int Target, Combination Solution) DrawTwentyFour(TaskRandom random, int level)
    {
        while (true)
        {
            var numbers = Enumerable.Range(0, 4).Select(_ => random.Range(1, level switch { 1 => 6, 2 => 9, _ => 13 })).ToArray();
            var easy = Combination.Search(numbers, 24, level < 4 ? signs : ['+', '-', '×']);
            if (level < 4 ? easy is not null : easy is null && Combination.Search(numbers, 24, signs) is not null)
            {
                return (numbers, 24, easy ?? Combination.Search(numbers, 24, signs)!);
            }
        }
    }

    /// <summary>A few attempts, and then the steps of a known solution.</summary>
    private static Combination Show(Derivation steps, TaskRandom random, int[] numbers, int target, Combination solution)
    {
        AddTries(steps, random, numbers, target);
        foreach (var (left, value) in solution.Steps)
        {
            steps.Say($"{left} = {value}");
        }

        return solution;
    }

    /// <summary>
    /// A complete search of three numbers; of four, two are joined first, pair after pair in the order of the numbers, each with + − × ÷. The next join follows from the
    /// last one, so that a model that writes what is most likely neither repeats nor forgets one. Null where the search misses the few ways by large products.
    /// </summary>
    private static Combination? Look(Derivation steps, int[] numbers, int target)
    {
        var leaves = numbers.Select(Combination.Leaf).ToArray();
        return leaves.Length == 3
            ? Combination.Search3(steps, leaves, target)
            : Combination.FirstJoins(leaves, signs).Where(static joined => joined[^1].Value.Numerator <= LargestJoin).Select(joined => Try(steps, joined, target)).FirstOrDefault(static found => found is not null);
    }

    private static Combination? Try(Derivation steps, Combination[] joined, int target)
    {
        steps.Say($"{joined[^1].Text} = {joined[^1].Value.Numerator}: {string.Join(", ", joined.Select(part => part.Value.Numerator))}");
        return Combination.Search3(steps, joined, target);
    }

    /// <summary>Up to three honest attempts that miss the target.</summary>
    private static void AddTries(Derivation steps, TaskRandom random, int[] numbers, int target)
    {
        for (var tries = random.Below(4); tries > 0; tries--)
        {
            if (Combination.Random(random, numbers, signs) is { Value.IsInteger: true } miss && miss.Value != Rational.Of(target))
            {
                var value = miss.Value.Numerator.ToString(CultureInfo.InvariantCulture);
                steps.Say($"Try {miss.Text} = {value}, not {target}.", $"试 {miss.Text} = {value}，不是 {target}。");
            }
        }
    }

    /// <summary>An expression under construction.</summary>
    private sealed record Combination(string Text, Rational Value, int Precedence, IReadOnlyList<(string Left, string Value)> Steps)
    {
        public static Combination Leaf(int number) => new(number.ToString(CultureInfo.InvariantCulture), Rational.Of(number), 3, []);

        /// <summary>Joins random pairs until one expression is left; null where a division fails or a value is no positive whole number.</summary>
        public static Combination? Random(TaskRandom random, int[] numbers, char[] allowed)
        {
            var pool = numbers.Select(Leaf).ToList();
            while (pool.Count > 1)
            {
                var pair = random.Draw(Enumerable.Range(0, pool.Count), 2);
                if (Join(pool[pair[0]], pool[pair[1]], random.Pick(allowed)) is not { Value.IsInteger: true } joined || joined.Value.Numerator < 1)
                {
                    return null;
                }

                pool = [.. pool.Where((_, i) => i != pair[0] && i != pair[1]), joined];
            }

            return pool[0];
        }

        /// <summary>Three expressions joined to the target by <see cref="CountdownSearch"/>; null where there is no way.</summary>
        public static Combination? Search3(Derivation steps, Combination[] three, int target)
        {
            if (CountdownSearch.Run(steps, [.. three.Select(static part => (int)part.Value.Numerator)], target) is not { } way)
            {
                return null;
            }

            steps.Say($"{way.First.Left} {way.First.Sign} {way.First.Right} = {way.First.Value}").Say($"{way.Last.Left} {way.Last.Sign} {way.Last.Right} = {target}");
            var pool = three.ToList();
            foreach (var step in new[] { way.First, way.Last })
            {
                var (left, right) = (Take(pool, step.Left), Take(pool, step.Right));
                pool.Add(Join(left, right, step.Sign)!);
            }

            return pool[0];
        }

        /// <summary>Two parts joined to a positive whole number, after the others: every pair of values once, in order, with every sign; the larger part is on the left.</summary>
        public static IEnumerable<Combination[]> FirstJoins(Combination[] parts, char[] allowed)
        {
            var pairs = from i in Enumerable.Range(0, parts.Length)
                        from j in Enumerable.Range(i + 1, parts.Length - i - 1)
                        select parts[i].Value.Numerator >= parts[j].Value.Numerator ? (Large: i, Small: j) : (Large: j, Small: i);
            return from pair in pairs.DistinctBy(pair => (parts[pair.Large].Value, parts[pair.Small].Value))
                   from sign in allowed
                   where sign != '÷' || parts[pair.Small].Value.Numerator > 1
                   let joined = Join(parts[pair.Large], parts[pair.Small], sign)
                   where joined is { Value.IsInteger: true } && joined.Value.Numerator >= 1
                   select (Combination[])[.. parts.Where((_, k) => k != pair.Large && k != pair.Small), joined];
        }

        private static Combination Take(List<Combination> pool, long value)
        {
            var part = pool.First(part => part.Value.Numerator == value);
            pool.Remove(part);
            return part;
        }

        /// <summary>The first expression that reaches the target, by complete search.</summary>
        public static Combination? Search(int[] numbers, int target, char[] allowed) => Search(numbers.Select(Leaf).ToList(), Rational.Of(target), allowed);

        private static Combination? Search(List<Combination> pool, Rational target, char[] allowed)
        {
            if (pool.Count == 1)
            {
                return pool[0].Value == target ? pool[0] : null;
            }

            for (var i = 0; i < pool.Count; i++)
            {
                for (var j = 0; j < pool.Count; j++)
                {
                    foreach (var sign in i == j ? [] : allowed)
                    {
                        if ((i < j || sign is '-' or '÷') && Join(pool[i], pool[j], sign) is { } joined
                            && Search([.. pool.Where((_, k) => k != i && k != j), joined], target, allowed) is { } found)
                        {
                            return found;
                        }
                    }
                }
            }

            return null;
        }

        private static Combination? Join(Combination a, Combination b, char sign)
        {
            var value = sign switch
            {
                '+' => Rational.Add(a.Value, b.Value),
                '-' => Rational.Add(a.Value, b.Value.Negate()),
                '×' => Rational.Multiply(a.Value, b.Value),
                _ => Rational.Divide(a.Value, b.Value),
            };
            if (value is not { } result)
            {
                return null;
            }

            var precedence = sign is '+' or '-' ? 1 : 2;
            var left = a.Precedence < precedence ? $"({a.Text})" : a.Text;
            var right = b.Precedence < precedence || (b.Precedence == precedence && sign is '-' or '÷') ? $"({b.Text})" : b.Text;
            return new Combination($"{left} {sign} {right}", result, precedence, [.. a.Steps, .. b.Steps, ($"{Show(a.Value)} {sign} {Show(b.Value)}", Show(result))]);
        }

        private static string Show(Rational value) => value.IsInteger && value.Numerator >= 0
            ? value.Numerator.ToString(CultureInfo.InvariantCulture)
            : value.IsInteger ? $"({value.Numerator})" : $"({value.Numerator}/{value.Denominator})";
    }
}
