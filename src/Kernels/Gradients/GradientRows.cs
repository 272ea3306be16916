using System.Runtime.CompilerServices;

namespace MiniMaxSharp.Kernels;

/// <summary>Single rows of the element-wise operations of training; each has a vector body and a scalar rest.</summary>
internal static unsafe class GradientRows
{
    /// <summary>x = alpha · r + beta · a; a may be null.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Sum<TVector>(float* r, float alpha, float* a, float beta, float* x, int width)
        where TVector : struct, ISimd<TVector>
    {
        var i = 0;
        for (; i <= width - TVector.Lanes; i += TVector.Lanes)
        {
            var scaled = TVector.Broadcast(alpha) * TVector.Load(r + i);
            (a == null ? scaled : TVector.Fma(TVector.Broadcast(beta), TVector.Load(a + i), scaled)).Store(x + i);
        }

        for (; i < width; i++)
        {
            x[i] = (alpha * r[i]) + (a == null ? 0 : beta * a[i]);
        }
    }

    /// <summary>1 / sqrt(mean(x²) + eps).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float InverseRms<TVector>(float* x, int width, float eps)
        where TVector : struct, ISimd<TVector> => 1 / MathF.Sqrt((Dot<TVector>(x, x, width) / width) + eps);

    /// <summary>Σ a · b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Dot<TVector>(float* a, float* b, int width)
        where TVector : struct, ISimd<TVector>
    {
        TVector s0 = TVector.Zero, s1 = s0;
        var i = 0;
        for (; i <= width - (2 * TVector.Lanes); i += 2 * TVector.Lanes)
        {
            s0 = TVector.Fma(TVector.Load(a + i), TVector.Load(b + i), s0);
            s1 = TVector.Fma(TVector.Load(a + i + TVector.Lanes), TVector.Load(b + i + TVector.Lanes), s1);
        }

        var sum = (s0 + s1).Sum();
        for (; i < width; i++)
        {
            sum += a[i] * b[i];
        }

        return sum;
    }

    /// <summary>u = w · x · inverse.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scale<TVector>(float* x, float* weight, float inverse, float* u, int width)
        where TVector : struct, ISimd<TVector>
    {
        var i = 0;
        for (; i <= width - TVector.Lanes; i += TVector.Lanes)
        {
            (TVector.Load(x + i) * TVector.Broadcast(inverse) * TVector.Load(weight + i)).Store(u + i);
        }

        for (; i < width; i++)
        {
            u[i] = x[i] * inverse * weight[i];
        }
    }

    /// <summary>With n = x · inverse and g = w · du: dx = inverse · (g − n · mean(g · n)), dw += du · n. dx may be du.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void NormGradient<TVector>(float* du, float* x, float* weight, float inverse, float* dx, float* dweight, int width)
        where TVector : struct, ISimd<TVector>
    {
        var dot = TVector.Zero;
        var i = 0;
        for (; i <= width - TVector.Lanes; i += TVector.Lanes)
        {
            var product = TVector.Load(du + i) * TVector.Load(x + i) * TVector.Broadcast(inverse);
            (TVector.Load(dweight + i) + product).Store(dweight + i);
            dot = TVector.Fma(product, TVector.Load(weight + i), dot);
        }

        var sum = dot.Sum();
        for (; i < width; i++)
        {
            var product = du[i] * x[i] * inverse;
            dweight[i] += product;
            sum += product * weight[i];
        }

        var mean = sum / width * inverse;
        for (i = 0; i <= width - TVector.Lanes; i += TVector.Lanes)
        {
            var g = TVector.Load(du + i) * TVector.Load(weight + i);
            (TVector.Broadcast(inverse) * (g - (TVector.Load(x + i) * TVector.Broadcast(mean)))).Store(dx + i);
        }

        for (; i < width; i++)
        {
            dx[i] = inverse * ((du[i] * weight[i]) - (x[i] * mean));
        }
    }

    /// <summary>y *= sigmoid(gate).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Gate<TVector>(float* gate, float* y, int width)
        where TVector : struct, ISimd<TVector>
    {
        var i = 0;
        for (; i <= width - TVector.Lanes; i += TVector.Lanes)
        {
            (TVector.Load(y + i) * VectorMath.Sigmoid(TVector.Load(gate + i))).Store(y + i);
        }

        for (; i < width; i++)
        {
            (F32x1.Load(y + i) * VectorMath.Sigmoid(F32x1.Load(gate + i))).Store(y + i);
        }
    }

    /// <summary>With s = sigmoid(gate) and n = w · o · inverse: dNorm = dy · s, dgate = dy · n · s · (1 − s).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void GateGradient<TVector>(float* dy, float* o, float* gate, float* weight, float inverse, float* dNorm, float* dgate, int width)
        where TVector : struct, ISimd<TVector>
    {
        var i = 0;
        for (; i <= width - TVector.Lanes; i += TVector.Lanes)
        {
            Step<TVector>(i);
        }

        for (; i < width; i++)
        {
            Step<F32x1>(i);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        void Step<T>(int at)
            where T : struct, ISimd<T>
        {
            var s = VectorMath.Sigmoid(T.Load(gate + at));
            var scaled = T.Load(dy + at) * s;
            var n = T.Load(o + at) * T.Broadcast(inverse) * T.Load(weight + at);
            scaled.Store(dNorm + at);
            (scaled * n * (T.Broadcast(1) - s)).Store(dgate + at);
        }
    }

    /// <summary>y = silu(x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Silu<TVector>(float* x, float* y, int width)
        where TVector : struct, ISimd<TVector>
    {
        var i = 0;
        for (; i <= width - TVector.Lanes; i += TVector.Lanes)
        {
            var v = TVector.Load(x + i);
            (v * VectorMath.Sigmoid(v)).Store(y + i);
        }

        for (; i < width; i++)
        {
            var v = F32x1.Load(x + i);
            (v * VectorMath.Sigmoid(v)).Store(y + i);
        }
    }

    /// <summary>d *= silu′(x) = s · (1 + x · (1 − s)), s = sigmoid(x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SiluGradient<TVector>(float* x, float* d, int width)
        where TVector : struct, ISimd<TVector>
    {
        var i = 0;
        for (; i <= width - TVector.Lanes; i += TVector.Lanes)
        {
            (TVector.Load(d + i) * SiluSlope(TVector.Load(x + i), out _)).Store(d + i);
        }

        for (; i < width; i++)
        {
            (F32x1.Load(d + i) * SiluSlope(F32x1.Load(x + i), out _)).Store(d + i);
        }
    }

    /// <summary>h = scale · silu(g) · u.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SwiGlu<TVector>(float* g, float* u, float scale, float* h, int width)
        where TVector : struct, ISimd<TVector>
    {
        var i = 0;
        for (; i <= width - TVector.Lanes; i += TVector.Lanes)
        {
            var v = TVector.Load(g + i);
            (TVector.Broadcast(scale) * v * VectorMath.Sigmoid(v) * TVector.Load(u + i)).Store(h + i);
        }

        for (; i < width; i++)
        {
            var v = F32x1.Load(g + i);
            (F32x1.Broadcast(scale) * v * VectorMath.Sigmoid(v) * F32x1.Load(u + i)).Store(h + i);
        }
    }

    /// <summary>
    /// Gradient of h = scale · silu(g) · u: dg and du from dh, which becomes h itself (for the gradient of the next matrix).
    /// Returns Σ dh · silu(g) · u, the gradient of the scale.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float SwiGluGradient<TVector>(float* g, float* u, float scale, float* dh, float* dg, float* du, int width)
        where TVector : struct, ISimd<TVector>
    {
        var total = TVector.Zero;
        var i = 0;
        for (; i <= width - TVector.Lanes; i += TVector.Lanes)
        {
            total += Step<TVector>(i);
        }

        var sum = total.Sum();
        for (; i < width; i++)
        {
            sum += Step<F32x1>(i).Sum();
        }

        return sum;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        T Step<T>(int at)
            where T : struct, ISimd<T>
        {
            T gate = T.Load(g + at), up = T.Load(u + at), d = T.Load(dh + at);
            var slope = SiluSlope(gate, out var silu);
            var h = silu * up;
            var scaled = d * T.Broadcast(scale);
            (scaled * up * slope).Store(dg + at);
            (scaled * silu).Store(du + at);
            (h * T.Broadcast(scale)).Store(dh + at);
            return d * h;
        }
    }

    /// <summary>destination += scale · source.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddScaled<TVector>(float* source, float scale, float* destination, int width)
        where TVector : struct, ISimd<TVector>
    {
        var i = 0;
        for (; i <= width - TVector.Lanes; i += TVector.Lanes)
        {
            TVector.Fma(TVector.Broadcast(scale), TVector.Load(source + i), TVector.Load(destination + i)).Store(destination + i);
        }

        for (; i < width; i++)
        {
            destination[i] += scale * source[i];
        }
    }

    /// <summary>x = e^(x − max); returns the sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float ExpSum<TVector>(float* x, float max, int width)
        where TVector : struct, ISimd<TVector>
    {
        var total = TVector.Zero;
        var i = 0;
        for (; i <= width - TVector.Lanes; i += TVector.Lanes)
        {
            var e = VectorMath.Exp(TVector.Load(x + i) - TVector.Broadcast(max));
            e.Store(x + i);
            total += e;
        }

        var sum = total.Sum();
        for (; i < width; i++)
        {
            var e = VectorMath.Exp(F32x1.Load(x + i) - F32x1.Broadcast(max));
            e.Store(x + i);
            sum += x[i];
        }

        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T SiluSlope<T>(T x, out T silu)
        where T : struct, ISimd<T>
    {
        var s = VectorMath.Sigmoid(x);
        silu = x * s;
        return T.Fma(silu, T.Broadcast(1) - s, s);
    }
}
