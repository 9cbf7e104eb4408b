/// Y = X / (1 - p) where kept, 0 where dropped. The mask is a function of seed and position: nothing is stored.
kernel dropout<T: f16 | bf16 | f32>(in T X[N], out T Y[N], f32 p, u64 seed)
{
    grid (i in N) Y[i] = rand(seed, i) < p ? 0 : T(f32(X[i]) / (1 - p));
}

/// The gradient needs the same mask: it is computed again from the seed.
kernel dropout_bwd<T: f16 | bf16 | f32>(in T dY[N], out T dX[N], f32 p, u64 seed)
{
    grid (i in N) dX[i] = rand(seed, i) < p ? 0 : T(f32(dY[i]) / (1 - p));
}
