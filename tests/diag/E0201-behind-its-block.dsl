kernel k(in f32 X[M, N], out f32 Y[M]) {
    grid (i in M) {
        for (j in N) {
            f32 s[i] = 0;
            s += sum(X[i, j], j);
        }
        Y[i] = s;
    }
}
