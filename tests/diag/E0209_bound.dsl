fn half_of<T: float>(T x) -> T = x * T(0.5);
kernel k(in i32 X[N], out i32 Y[N])
{
    grid (i in N) Y[i] = half_of(X[i]);
}
