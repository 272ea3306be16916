namespace MiniMaxSharp.Tasks;

/// <summary>Common English words, and first names, for puzzles about words and people.</summary>
internal static class WordList
{
    public static readonly string[] All =
        ("apple arrow autumn badge baker balance banana basket beach beaver bicycle blanket bottle branch bread bridge brother bucket butter button cabin camera candle canyon carpet castle "
        + "cherry circle climate clover coffee compass copper corner cotton cricket crystal curtain dancer desert diamond dolphin dragon drawer eagle earth engine evening fabric falcon "
        + "farmer feather finger flower forest fountain garden giraffe glacier grape guitar hammer harbor harvest helmet honey horizon hunter island jacket jungle kettle kitchen ladder "
        + "lantern lemon library lizard machine magnet maple market meadow melody mirror morning mountain museum needle notebook ocean orange orchard paddle painter palace paper parrot "
        + "pebble pencil penguin pepper picture pillow planet pocket potato quarter rabbit railway ribbon river rocket saddle sailor sandal school season shadow silver sister spider "
        + "spring squirrel station strawberry summer sunset table teacher temple thunder ticket tiger tomato tower tractor travel tulip turtle umbrella valley velvet village violin "
        + "volcano wagon walnut water whistle window winter wizard yellow zebra refrigerator encyclopedia thermometer responsibility communication").Split(' ');

    public static readonly string[] Names =
        "Alice Bob Carol David Emma Frank Grace Henry Iris Jack Karen Leo Mia Noah Olivia Paul Quinn Rosa Sam Tina Uma Victor Wendy Xavier Yara Zoe".Split(' ');

    public static readonly string[] ChineseNames = "小明 小红 小刚 小丽 小华 小芳 小军 小美 小强 小雪 小龙 小燕 小波 小云 小雨 小梅".Split(' ');

    /// <summary>The words of a length, both ends included; at least one exists for 3 to 16.</summary>
    public static string[] OfLength(int shortest, int longest) => [.. All.Where(word => word.Length >= shortest && word.Length <= longest)];
}
