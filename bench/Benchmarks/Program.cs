using System.Globalization;
using MiniMaxSharp.Benchmarks;

switch (args)
{
    case ["kernels", .. var rest]:
        KernelBenchmark.Run(Number(rest, 0, 0));
        return 0;
    case ["depth", .. var rest]:
        DepthBenchmark.Run(Number(rest, 0, 0));
        return 0;
    case ["tokenization", var folder, _, ..]:
        TokenizationBenchmark.Run(folder, args[2..]);
        return 0;
    case ["serving", var model, .. var rest]:
        ServingBenchmark.Run(model, Number(rest, 0, 5), Number(rest, 1, 0));
        return 0;
    default:
        Console.Error.WriteLine("""
            Usage: Benchmarks kernels [THREADS]
                   Benchmarks depth [THREADS]
                   Benchmarks serving MODEL [ROUNDS [THREADS]]
                   Benchmarks tokenization FOLDER TEXT_FILE...
            """);
        return 2;
}

static int Number(string[] values, int index, int otherwise) =>
    index < values.Length ? int.Parse(values[index], CultureInfo.InvariantCulture) : otherwise;
