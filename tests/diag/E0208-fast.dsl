kernel k(in f32 X[N], out f32 Y[N]) fast(aprox, ftz, ftz) {
    grid (i in N) Y[i] = exp(X[i]);
}
