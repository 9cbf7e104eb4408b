fn sq(x) -> f32 = x * x;
kernel k(in f32 X[N], out f32 Y[N], alpha) {
    grid (i in N) Y[i] = sq(X[i]) * alpha;
}
