fn f(f32 x) -> f32 = g(x) + 1;
fn g(f32 x) -> f32 = f(x);
kernel k(in f32 X[N], out f32 Y[N])
{
    grid (i in N) Y[i] = f(X[i]);
}
