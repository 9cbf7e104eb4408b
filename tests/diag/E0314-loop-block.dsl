kernel diffs(in f32 X[M, N], out f32 Y[M])
{
    grid (m in M) {
        f32 acc[m] = 0;
        for (k in N) {
            let x = X[m, k];
            acc += sum(x - x[k = k + 1], k);
        }
        Y[m] = acc;
    }
}
