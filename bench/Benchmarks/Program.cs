using MiniMaxSharp.Benchmarks;

switch (args)
{
    case ["tokenization", var folder, _, ..]:
        TokenizationBenchmark.Run(folder, args[2..]);
        return 0;
    default:
        Console.Error.WriteLine("""
            Usage: Benchmarks tokenization FOLDER TEXT_FILE...
            """);
        return 2;
}
