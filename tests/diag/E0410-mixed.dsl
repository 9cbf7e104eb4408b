kernel count(in f32 X[N], inout i32 n[1], out f32 Y[N])
{
    grid (i in N) {
        atomic n[0] += i32(count(X[i] > 0, i));
        Y[i] = f32(n[0]);
    }
}
