kernel k(in f32 X[N, M], out f32 Y[N] = 0) {
    grid (i in N, j in M) {
        f32 s[i] = 0;
        for (k in j) s += sum(X[i, k], k);
        if (j.first == 0) Y[i] = s;
    }
}
