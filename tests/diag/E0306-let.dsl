kernel k(in f32 A[N], in i32 L[1], out f32 Y[N]) {
    let n = int(L[0]);
    grid (i in n) Y[i] = A[i];
}
