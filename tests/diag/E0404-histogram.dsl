kernel bins(in i32 X[B, N], out i32 H[B, 16])
{
    grid (each b in B) {
        axis i in N, k in 16;
        i32 h[k] = 0;
        let x = X[b, i];
        h[k = x] = 1;
        H[b, k] = h;
    }
}
