/// A tile of constants has values and axes, and nothing assigns to it.
kernel k(in i32 X[N], out i32 Y[N])
{
    grid (i in N) {
        axis a in 3;
        const i32 w[a] = {1, 2, 3}, u[a] = i32(N), v;
        w[a = 0] = 4;
        Y[i] = sum(w * X[i - a], a);
    }
}
