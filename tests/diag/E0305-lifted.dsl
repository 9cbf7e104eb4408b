/// A loop over single indices may end elsewhere for each point, a block or an axis may not.
fn each_point(f32 x[j], axis j, int n) -> f32
{
    f32 s = 0;
    for (each r in j until n) s += x[j = r];
    return s;
}
fn blocks(f32 x[j], axis j, int n) -> f32
{
    f32 s = 0;
    for (k in j until n) s += sum(x[j = k], k);
    return s;
}
kernel k(in f32 X[N, M], out f32 Y[N]) {
    grid (i in N) {
        axis j in M;
        Y[i] = each_point(X[i, j], j, i) + blocks(X[i, j], j, i);
    }
}
