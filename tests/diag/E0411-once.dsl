kernel k(in f32 A[N], out f32 X[N]) {
    grid (i in N) X[i] = X[i] + A[i];
}
