kernel blocks(in f32 X[N], out f32 Y[M]) where M == cdiv(N, 128)
{
    grid (m in M) {
        axis u in 128;
        Y[m] = sum(X[m * 128 + u], u);
    }
}
