kernel k(in f32 X[M, N], out f32 Y[M]) {
    grid (i in M) {
        axis j in N;
        Y[i] = max(X[i, j]);
    }
}
