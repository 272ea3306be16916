using CsCheck;

namespace MiniMaxSharp.Tests;

/// <summary>
/// Property tests on fixed cases. These overloads lie in the namespace of the tests, so they are chosen before CsCheck's own, whose seed is the clock:
/// a run that is red is red again, and CI never fails by a draw that nobody has seen.
/// </summary>
internal static class PropertySampling
{
    /// <summary>Checks <paramref name="assert"/> on <paramref name="iter"/> generated cases, always the same ones.</summary>
    public static void Sample<T>(this Gen<T> gen, Action<T> assert, long iter = 100)
    {
        for (var i = 0; i < iter; i++)
        {
            var value = gen.Generate(new PCG((uint)i, 0x4D31UL), null, out _);
            try
            {
                assert(value);
            }
            catch (Exception failure)
            {
                throw new Xunit.Sdk.XunitException($"Case {i} of {iter}: {Show(value)}", failure);
            }
        }
    }

    /// <summary>The same for a property that says whether it holds.</summary>
    public static void Sample<T>(this Gen<T> gen, Func<T, bool> holds, long iter = 100) => gen.Sample(value => Assert.True(holds(value)), iter);

    /// <summary>The same for pairs.</summary>
    public static void Sample<T1, T2>(this Gen<(T1, T2)> gen, Action<T1, T2> assert, long iter = 100) => gen.Sample(value => assert(value.Item1, value.Item2), iter);

    /// <summary>The same for triples.</summary>
    public static void Sample<T1, T2, T3>(this Gen<(T1, T2, T3)> gen, Action<T1, T2, T3> assert, long iter = 100) =>
        gen.Sample(value => assert(value.Item1, value.Item2, value.Item3), iter);

    /// <summary>The same for four values.</summary>
    public static void Sample<T1, T2, T3, T4>(this Gen<(T1, T2, T3, T4)> gen, Action<T1, T2, T3, T4> assert, long iter = 100) =>
        gen.Sample(value => assert(value.Item1, value.Item2, value.Item3, value.Item4), iter);

    /// <summary>The same for eight values.</summary>
    public static void Sample<T1, T2, T3, T4, T5, T6, T7, T8>(
        this Gen<(T1, T2, T3, T4, T5, T6, T7, T8)> gen, Action<T1, T2, T3, T4, T5, T6, T7, T8> assert, long iter = 100) =>
        gen.Sample(
            value => assert(value.Item1, value.Item2, value.Item3, value.Item4, value.Item5, value.Item6, value.Item7, value.Item8), iter);

    private static string? Show<T>(T value) => value is string text ? $"\"{text}\"" : Check.Print(value);
}
