using System.Numerics;

namespace MiniMaxSharp.Tasks;

/// <summary>
/// An expression of an answer. <see cref="Operator"/>: <c>#</c> a number, <c>v</c> a variable, <c>c</c> a constant (pi, e, i, infinity),
/// <c>+ - * / ^</c>, <c>n</c> minus, <c>f</c> a function named by <see cref="Name"/> of one or two arguments.
/// </summary>
internal sealed record Expression(char Operator, string Name, Rational Value, Expression? Left, Expression? Right)
{
    public static Expression Number(Rational value) => new('#', "", value, null, null);

    public static Expression Variable(string name) => new('v', name, default, null, null);

    public static Expression Constant(string name) => new('c', name, default, null, null);

    public static Expression Binary(char op, Expression left, Expression right) => new(op, "", default, left, right);

    public static Expression Minus(Expression operand) => new('n', "", default, operand, null);

    public static Expression Function(string name, Expression argument, Expression? second = null) => new('f', name, default, argument, second);

    /// <summary>The exact value, or null where there is none (variables, surds, transcendental functions, too large).</summary>
    public Rational? Exact()
    {
        if (Operator == '#')
        {
            return Value;
        }

        if (Left?.Exact() is not { } left)
        {
            return null;
        }

        if (Operator == 'n')
        {
            return left.Negate();
        }

        if (Right is null)
        {
            return Name switch
            {
                "sqrt" => Rational.Root(left, 2),
                "abs" => left.Numerator.Sign < 0 ? left.Negate() : left,
                "factorial" => Factorial(left),
                _ => null,
            };
        }

        if (Right.Exact() is not { } right)
        {
            return null;
        }

        return Operator switch
        {
            '+' => Rational.Add(left, right),
            '-' => Rational.Add(left, right.Negate()),
            '*' => Rational.Multiply(left, right),
            '/' => Rational.Divide(left, right),
            '^' => Rational.Power(left, right),
            _ when Name == "root" && right.IsInteger && right.Numerator > 1 && right.Numerator <= 64 => Rational.Root(left, (int)right.Numerator),
            _ when Name == "binom" => Binomial(left, right),
            _ => null,
        };
    }

    /// <summary>The value at a point, in complex double precision; NaN or infinity where it is undefined.</summary>
    public Complex At(Func<string, Complex> variables)
    {
        if (Operator == '#')
        {
            return Value.ToDouble();
        }

        if (Operator == 'v')
        {
            return variables(Name);
        }

        if (Operator == 'c')
        {
            return Name switch { "pi" => Math.PI, "e" => Math.E, "i" => Complex.ImaginaryOne, _ => double.PositiveInfinity };
        }

        var left = Left!.At(variables);
        var right = Right?.At(variables) ?? Complex.Zero;
        return Operator switch
        {
            'n' => -left,
            '+' => left + right,
            '-' => left - right,
            '*' => left * right,
            '/' => left / right,
            '^' => Power(left, right),
            _ => Apply(left, right),
        };
    }

    /// <summary>Adds the names of all variables.</summary>
    public void CollectVariables(SortedSet<string> names)
    {
        if (Operator == 'v')
        {
            names.Add(Name);
        }

        Left?.CollectVariables(names);
        Right?.CollectVariables(names);
    }

    /// <summary>Adds all number leaves, left to right.</summary>
    public void CollectNumbers(List<Rational> numbers)
    {
        if (Operator == '#')
        {
            numbers.Add(Value);
        }

        Left?.CollectNumbers(numbers);
        Right?.CollectNumbers(numbers);
    }

    /// <summary>True when only <c>+ − × ÷</c>, minus and integers occur.</summary>
    public bool IsPlainArithmetic() => Operator switch
    {
        '#' => Value.IsInteger,
        '+' or '-' or '*' or '/' => Left!.IsPlainArithmetic() && Right!.IsPlainArithmetic(),
        _ => false,
    };

    private static Complex Power(Complex left, Complex right)
    {
        // Complex.Pow goes through polar form; small integer powers are multiplied out so that they stay exact to rounding.
        if (right.Imaginary != 0 || right.Real != Math.Floor(right.Real) || Math.Abs(right.Real) > 64)
        {
            return left == Complex.Zero && right.Real > 0 ? Complex.Zero : Complex.Pow(left, right);
        }

        var product = Complex.One;
        for (var i = 0; i < Math.Abs(right.Real); i++)
        {
            product *= left;
        }

        return right.Real < 0 ? 1 / product : product;
    }

    private Complex Apply(Complex a, Complex b) => Name switch
    {
        "sqrt" => Complex.Sqrt(a),
        "root" when a.Imaginary == 0 && a.Real < 0 && b.Real % 2 == 1 => -Math.Pow(-a.Real, 1 / b.Real),
        "root" => Complex.Pow(a, 1 / b),
        "abs" => Complex.Abs(a),
        "sin" => Complex.Sin(a),
        "cos" => Complex.Cos(a),
        "tan" => Complex.Tan(a),
        "cot" => 1 / Complex.Tan(a),
        "sec" => 1 / Complex.Cos(a),
        "csc" => 1 / Complex.Sin(a),
        "arcsin" => Complex.Asin(a),
        "arccos" => Complex.Acos(a),
        "arctan" => Complex.Atan(a),
        "exp" => Complex.Exp(a),
        "ln" => Complex.Log(a),
        "log" when Right is null => Complex.Log10(a),
        "log" => Complex.Log(a) / Complex.Log(b),
        "floor" => Math.Floor(a.Real),
        "ceil" => Math.Ceiling(a.Real),
        "factorial" or "binom" => Exact()?.ToDouble() ?? double.NaN,
        _ => double.NaN,
    };

    private static Rational? Factorial(Rational value)
    {
        if (!value.IsInteger || value.Numerator < 0 || value.Numerator > 400)
        {
            return null;
        }

        var product = BigInteger.One;
        for (var i = 2; i <= (int)value.Numerator; i++)
        {
            product *= i;
        }

        return Rational.Of(product, BigInteger.One);
    }

    private static Rational? Binomial(Rational n, Rational k)
    {
        if (!n.IsInteger || !k.IsInteger || n.Numerator < 0 || n.Numerator > 2000 || k.Numerator < 0 || k.Numerator > n.Numerator)
        {
            return null;
        }

        var value = BigInteger.One;
        for (var i = 1; i <= (int)k.Numerator; i++)
        {
            value = value * (n.Numerator - k.Numerator + i) / i;
        }

        return Rational.Of(value, BigInteger.One);
    }
}
