fn f(f32 x) -> f32 { x = x * 2; return x; }
kernel k(in f32 X[N], out f32 Y[N]) {
    grid (i in N) Y[i] = f(X[i]);
}
