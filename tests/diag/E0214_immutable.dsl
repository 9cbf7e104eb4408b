kernel k(in f32 X[N], out f32 Y[N])
{
    grid (i in N) {
        let x = X[i];
        x += 1;
        Y[i] = x;
    }
}
