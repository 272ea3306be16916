using MiniMaxSharp.Training;
using TorchSharp;

namespace MiniMaxSharp.Tests.Training;

/// <summary>The count of live tensors is one for the process, so nothing may run beside these tests.</summary>
[CollectionDefinition(nameof(TensorCountTests), DisableParallelization = true)]
[Collection(nameof(TensorCountTests))]
public sealed class TensorCountTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_step_leaves_no_tensor_behind(bool checkpointLayers)
    {
        using var module = MiniMaxM1Module.Create(TrainingModels.Tiny, seed: 1, new ModuleOptions { CheckpointLayers = checkpointLayers });
        using var optimizer = new AdamW(module);
        var documents = PackedDocuments.Of(TrainingModels.Tokens(50, 37));
        long[] counts = [.. Enumerable.Range(0, 6).Select(_ =>
        {
            TrainingModels.Backward(module, documents);
            optimizer.Step(1e-3);
            return torch.Tensor.TotalCount;
        })];
        // The collector may free tensors that other tests left, so the count may fall; a leak makes it grow with each step.
        Assert.True(counts[^1] <= counts[2], string.Join(", ", counts));
    }
}
