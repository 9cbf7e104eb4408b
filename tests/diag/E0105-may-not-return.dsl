fn relu(f32 x) -> f32 { if (x > 0) return x; }
fn both(f32 x) -> f32 { if (x > 0) return x; else return 0; }
kernel k(in f32 X[N], out f32 Y[N]) {
    grid (i in N) Y[i] = relu(X[i]) + both(X[i]);
}
