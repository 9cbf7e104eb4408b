kernel add(in f32 X[N], in f32 Y[N], out f32 Z[N])
{
    grid (i in N) {
        let x = tl.load(X + i, mask = i < N);
        tl.store(Z + i, x);
    }
}
