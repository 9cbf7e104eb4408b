fn add(f32 a, f32 b) -> f32
{
    assert(a >= 0);
    return a + b;
}
kernel k(in f32 X[N, M], out f32 Y[N]) {
    grid (i in N) {
        axis j in M;
        Y[i] = reduce(X[i, j], j, add, 0.0);
    }
}
