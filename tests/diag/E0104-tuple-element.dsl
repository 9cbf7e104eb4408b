kernel k(in f32 X[N], out f32 Y[N]) {
    grid (i in N) {
        axis j in 3;
        f32 a[i, j] = X[i], b[i] = 1;
        (a[j = 0], b) = (b, b);
        Y[i] = sum(a, j) - b;
    }
}
