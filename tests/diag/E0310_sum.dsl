kernel k(in f32 X[M], in f32 W[N], out f32 Y[M])
{
    grid (i in M) {
        axis j in N;
        let m = X[i];
        Y[i] = sum(m, j) + sum(W[j], j);
    }
}
