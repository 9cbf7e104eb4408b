kernel ragged(in i32 off[G + 1], in f32 X[R], out f32 Y[R])
{
    grid (each g in G, r in R from off[g] until off[g + 1]) Y[r] = X[r] * f32(g);
}
