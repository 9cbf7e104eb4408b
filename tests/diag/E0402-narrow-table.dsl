kernel k(in f32 X[N], in i32 off[E + 1], out f32 Y[N] = 0)
    where sorted(off)
{
    grid (each g in E) {
        axis i in off[g + 1] - off[g];
        Y[off[g] + i] = X[off[g] + i] + f32(g);
    }
}
