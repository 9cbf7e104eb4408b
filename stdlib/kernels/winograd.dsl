/// Convolutions with filters of 3 x 3, stride 1, by Winograd's algorithm F(4 x 4, 3 x 3): tiles of 4 x 4 outputs cost 36 products for
/// each pair of channels instead of 144; sums are over numbers up to a hundred times as large, and errors with them.
/// F(2 x 2, 3 x 3) costs 16 instead of 36; its transformed filters are less than half as large, which counts where tiles are few.
/// Source: Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2016.
import "std/activate": activate;

/// One column or row of B' x, G x and A' x.
private fn input_side(f32 a, f32 b, f32 c, f32 d, f32 e, f32 f) -> (f32, f32, f32, f32, f32, f32) =
    (4 * a - 5 * c + e, d + e - 4 * (b + c), e - d + 4 * (b - c), e - c + 2 * (d - b), e - c - 2 * (d - b), 4 * b - 5 * d + f);

private fn filter_side(f32 a, f32 b, f32 c) -> (f32, f32, f32, f32, f32, f32) =
    (a / 4, -(a + b + c) / 6, -(a - b + c) / 6, a / 24 + b / 12 + c / 6, a / 24 - b / 12 + c / 6, c);

private fn output_side(f32 a, f32 b, f32 c, f32 d, f32 e, f32 f) -> (f32, f32, f32, f32) =
    (a + (b + c) + (d + e), b - c + 2 * (d - e), b + c + 4 * (d + e), b - c + 8 * (d - e) + f);

/// The filter's side, made once for constant weights: U[6 i + j] = (G F G')[i, j], B columns at a time, as the product reads them.
kernel winograd_filter<T: f16 | bf16 | f32>(in T F[3, 3, C, K], out f32 U[36, KB, C, const B])
    where B > 0, KB == (K + B - 1) / B
{
    grid (each m in KB, c in C, j in B) {
        let k = m * B + j;
        let a = filter_side(f32(F[0, 0, c, k]), f32(F[1, 0, c, k]), f32(F[2, 0, c, k]));
        let b = filter_side(f32(F[0, 1, c, k]), f32(F[1, 1, c, k]), f32(F[2, 1, c, k]));
        let d = filter_side(f32(F[0, 2, c, k]), f32(F[1, 2, c, k]), f32(F[2, 2, c, k]));
        let w0 = filter_side(a.0, b.0, d.0);
        U[0, m, c, j] = w0.0; U[1, m, c, j] = w0.1; U[2, m, c, j] = w0.2; U[3, m, c, j] = w0.3; U[4, m, c, j] = w0.4; U[5, m, c, j] = w0.5;
        let w1 = filter_side(a.1, b.1, d.1);
        U[6, m, c, j] = w1.0; U[7, m, c, j] = w1.1; U[8, m, c, j] = w1.2; U[9, m, c, j] = w1.3; U[10, m, c, j] = w1.4; U[11, m, c, j] = w1.5;
        let w2 = filter_side(a.2, b.2, d.2);
        U[12, m, c, j] = w2.0; U[13, m, c, j] = w2.1; U[14, m, c, j] = w2.2; U[15, m, c, j] = w2.3; U[16, m, c, j] = w2.4; U[17, m, c, j] = w2.5;
        let w3 = filter_side(a.3, b.3, d.3);
        U[18, m, c, j] = w3.0; U[19, m, c, j] = w3.1; U[20, m, c, j] = w3.2; U[21, m, c, j] = w3.3; U[22, m, c, j] = w3.4; U[23, m, c, j] = w3.5;
        let w4 = filter_side(a.4, b.4, d.4);
        U[24, m, c, j] = w4.0; U[25, m, c, j] = w4.1; U[26, m, c, j] = w4.2; U[27, m, c, j] = w4.3; U[28, m, c, j] = w4.4; U[29, m, c, j] = w4.5;
        let w5 = filter_side(a.5, b.5, d.5);
        U[30, m, c, j] = w5.0; U[31, m, c, j] = w5.1; U[32, m, c, j] = w5.2; U[33, m, c, j] = w5.3; U[34, m, c, j] = w5.4; U[35, m, c, j] = w5.5;
    }
}

/// Y = act(X * F + bias) with the U of F: V[6 i + j] = (B' x B)[i, j] of every tile, M = V U, Y = A' M A.
kernel conv2d_winograd<T: f16 | bf16 | f32>(in T X[N, H, W, C], in f32 U[36, KB, C, const B], in? T bias[K], out T Y[N, P, Q, K],
    const int pad_h = 1, const int pad_w = 1, const int act = 0)
    where P == H + 2 * pad_h - 2, Q == W + 2 * pad_w - 2, B > 0, KB == (K + B - 1) / B
{
    let I = ceil_div(P, 4), J = ceil_div(Q, 4);
    temp f32 V[36, N * I * J, C], M[36, N * I * J, KB * B];
    grid (each t in N * I * J, c in C) {
        let n = t / (I * J), h = t / J % I * 4 - pad_h, w = t % J * 4 - pad_w;
        let a = input_side(f32(X[n, h, w, c]), f32(X[n, h + 1, w, c]), f32(X[n, h + 2, w, c]),
                           f32(X[n, h + 3, w, c]), f32(X[n, h + 4, w, c]), f32(X[n, h + 5, w, c]));
        let b = input_side(f32(X[n, h, w + 1, c]), f32(X[n, h + 1, w + 1, c]), f32(X[n, h + 2, w + 1, c]),
                           f32(X[n, h + 3, w + 1, c]), f32(X[n, h + 4, w + 1, c]), f32(X[n, h + 5, w + 1, c]));
        let d = input_side(f32(X[n, h, w + 2, c]), f32(X[n, h + 1, w + 2, c]), f32(X[n, h + 2, w + 2, c]),
                           f32(X[n, h + 3, w + 2, c]), f32(X[n, h + 4, w + 2, c]), f32(X[n, h + 5, w + 2, c]));
        let e = input_side(f32(X[n, h, w + 3, c]), f32(X[n, h + 1, w + 3, c]), f32(X[n, h + 2, w + 3, c]),
                           f32(X[n, h + 3, w + 3, c]), f32(X[n, h + 4, w + 3, c]), f32(X[n, h + 5, w + 3, c]));
        let f = input_side(f32(X[n, h, w + 4, c]), f32(X[n, h + 1, w + 4, c]), f32(X[n, h + 2, w + 4, c]),
                           f32(X[n, h + 3, w + 4, c]), f32(X[n, h + 4, w + 4, c]), f32(X[n, h + 5, w + 4, c]));
        let g = input_side(f32(X[n, h, w + 5, c]), f32(X[n, h + 1, w + 5, c]), f32(X[n, h + 2, w + 5, c]),
                           f32(X[n, h + 3, w + 5, c]), f32(X[n, h + 4, w + 5, c]), f32(X[n, h + 5, w + 5, c]));
        let v0 = input_side(a.0, b.0, d.0, e.0, f.0, g.0);
        V[0, t, c] = v0.0; V[1, t, c] = v0.1; V[2, t, c] = v0.2; V[3, t, c] = v0.3; V[4, t, c] = v0.4; V[5, t, c] = v0.5;
        let v1 = input_side(a.1, b.1, d.1, e.1, f.1, g.1);
        V[6, t, c] = v1.0; V[7, t, c] = v1.1; V[8, t, c] = v1.2; V[9, t, c] = v1.3; V[10, t, c] = v1.4; V[11, t, c] = v1.5;
        let v2 = input_side(a.2, b.2, d.2, e.2, f.2, g.2);
        V[12, t, c] = v2.0; V[13, t, c] = v2.1; V[14, t, c] = v2.2; V[15, t, c] = v2.3; V[16, t, c] = v2.4; V[17, t, c] = v2.5;
        let v3 = input_side(a.3, b.3, d.3, e.3, f.3, g.3);
        V[18, t, c] = v3.0; V[19, t, c] = v3.1; V[20, t, c] = v3.2; V[21, t, c] = v3.3; V[22, t, c] = v3.4; V[23, t, c] = v3.5;
        let v4 = input_side(a.4, b.4, d.4, e.4, f.4, g.4);
        V[24, t, c] = v4.0; V[25, t, c] = v4.1; V[26, t, c] = v4.2; V[27, t, c] = v4.3; V[28, t, c] = v4.4; V[29, t, c] = v4.5;
        let v5 = input_side(a.5, b.5, d.5, e.5, f.5, g.5);
        V[30, t, c] = v5.0; V[31, t, c] = v5.1; V[32, t, c] = v5.2; V[33, t, c] = v5.3; V[34, t, c] = v5.4; V[35, t, c] = v5.5;
    }
    grid (each x in 36, m in KB, t in N * I * J, j in B) {
        f32 acc[m, t, j] = 0;
        for (c in C) acc += dot(V[x, t, c], U[x, m, c, j], c);
        M[x, t, m * B + j] = acc;
    }
    grid (each n in N, each i in I, each j in J, k in K) {
        let t = (n * I + i) * J + j;
        f32 add[k] = 0;
        if (bias) add += f32(bias[k]);
        let a = output_side(M[0, t, k], M[6, t, k], M[12, t, k], M[18, t, k], M[24, t, k], M[30, t, k]);
        let b = output_side(M[1, t, k], M[7, t, k], M[13, t, k], M[19, t, k], M[25, t, k], M[31, t, k]);
        let d = output_side(M[2, t, k], M[8, t, k], M[14, t, k], M[20, t, k], M[26, t, k], M[32, t, k]);
        let e = output_side(M[3, t, k], M[9, t, k], M[15, t, k], M[21, t, k], M[27, t, k], M[33, t, k]);
        let f = output_side(M[4, t, k], M[10, t, k], M[16, t, k], M[22, t, k], M[28, t, k], M[34, t, k]);
        let g = output_side(M[5, t, k], M[11, t, k], M[17, t, k], M[23, t, k], M[29, t, k], M[35, t, k]);
        let y0 = output_side(a.0, b.0, d.0, e.0, f.0, g.0);
        Y[n, 4 * i, 4 * j, k] = T(activate(y0.0 + add, act, 0));
        Y[n, 4 * i, 4 * j + 1, k] = T(activate(y0.1 + add, act, 0));
        Y[n, 4 * i, 4 * j + 2, k] = T(activate(y0.2 + add, act, 0));
        Y[n, 4 * i, 4 * j + 3, k] = T(activate(y0.3 + add, act, 0));
        let y1 = output_side(a.1, b.1, d.1, e.1, f.1, g.1);
        Y[n, 4 * i + 1, 4 * j, k] = T(activate(y1.0 + add, act, 0));
        Y[n, 4 * i + 1, 4 * j + 1, k] = T(activate(y1.1 + add, act, 0));
        Y[n, 4 * i + 1, 4 * j + 2, k] = T(activate(y1.2 + add, act, 0));
        Y[n, 4 * i + 1, 4 * j + 3, k] = T(activate(y1.3 + add, act, 0));
        let y2 = output_side(a.2, b.2, d.2, e.2, f.2, g.2);
        Y[n, 4 * i + 2, 4 * j, k] = T(activate(y2.0 + add, act, 0));
        Y[n, 4 * i + 2, 4 * j + 1, k] = T(activate(y2.1 + add, act, 0));
        Y[n, 4 * i + 2, 4 * j + 2, k] = T(activate(y2.2 + add, act, 0));
        Y[n, 4 * i + 2, 4 * j + 3, k] = T(activate(y2.3 + add, act, 0));
        let y3 = output_side(a.3, b.3, d.3, e.3, f.3, g.3);
        Y[n, 4 * i + 3, 4 * j, k] = T(activate(y3.0 + add, act, 0));
        Y[n, 4 * i + 3, 4 * j + 1, k] = T(activate(y3.1 + add, act, 0));
        Y[n, 4 * i + 3, 4 * j + 2, k] = T(activate(y3.2 + add, act, 0));
        Y[n, 4 * i + 3, 4 * j + 3, k] = T(activate(y3.3 + add, act, 0));
    }
}

/// The same for F(2 x 2, 3 x 3).
private fn input_side2(f32 a, f32 b, f32 c, f32 d) -> (f32, f32, f32, f32) = (a - c, b + c, c - b, b - d);

private fn filter_side2(f32 a, f32 b, f32 c) -> (f32, f32, f32, f32) = (a, (a + b + c) / 2, (a - b + c) / 2, c);

private fn output_side2(f32 a, f32 b, f32 c, f32 d) -> (f32, f32) = (a + (b + c), b - c - d);

/// The filter's side of conv2d_winograd2: U[4 i + j] = (G F G')[i, j], B columns at a time.
kernel winograd2_filter<T: f16 | bf16 | f32>(in T F[3, 3, C, K], out f32 U[16, KB, C, const B])
    where B > 0, KB == (K + B - 1) / B
{
    grid (each m in KB, c in C, j in B) {
        let k = m * B + j;
        let a = filter_side2(f32(F[0, 0, c, k]), f32(F[1, 0, c, k]), f32(F[2, 0, c, k]));
        let b = filter_side2(f32(F[0, 1, c, k]), f32(F[1, 1, c, k]), f32(F[2, 1, c, k]));
        let d = filter_side2(f32(F[0, 2, c, k]), f32(F[1, 2, c, k]), f32(F[2, 2, c, k]));
        let w0 = filter_side2(a.0, b.0, d.0);
        U[0, m, c, j] = w0.0; U[1, m, c, j] = w0.1; U[2, m, c, j] = w0.2; U[3, m, c, j] = w0.3;
        let w1 = filter_side2(a.1, b.1, d.1);
        U[4, m, c, j] = w1.0; U[5, m, c, j] = w1.1; U[6, m, c, j] = w1.2; U[7, m, c, j] = w1.3;
        let w2 = filter_side2(a.2, b.2, d.2);
        U[8, m, c, j] = w2.0; U[9, m, c, j] = w2.1; U[10, m, c, j] = w2.2; U[11, m, c, j] = w2.3;
        let w3 = filter_side2(a.3, b.3, d.3);
        U[12, m, c, j] = w3.0; U[13, m, c, j] = w3.1; U[14, m, c, j] = w3.2; U[15, m, c, j] = w3.3;
    }
}

/// As conv2d_winograd, in tiles of 2 x 2 outputs: V[4 i + j] = (B' x B)[i, j].
kernel conv2d_winograd2<T: f16 | bf16 | f32>(in T X[N, H, W, C], in f32 U[16, KB, C, const B], in? T bias[K], out T Y[N, P, Q, K],
    const int pad_h = 1, const int pad_w = 1, const int act = 0)
    where P == H + 2 * pad_h - 2, Q == W + 2 * pad_w - 2, B > 0, KB == (K + B - 1) / B
{
    let I = ceil_div(P, 2), J = ceil_div(Q, 2);
    temp f32 V[16, N * I * J, C], M[16, N * I * J, KB * B];
    grid (each t in N * I * J, c in C) {
        let n = t / (I * J), h = t / J % I * 2 - pad_h, w = t % J * 2 - pad_w;
        let a = input_side2(f32(X[n, h, w, c]), f32(X[n, h + 1, w, c]), f32(X[n, h + 2, w, c]), f32(X[n, h + 3, w, c]));
        let b = input_side2(f32(X[n, h, w + 1, c]), f32(X[n, h + 1, w + 1, c]), f32(X[n, h + 2, w + 1, c]), f32(X[n, h + 3, w + 1, c]));
        let d = input_side2(f32(X[n, h, w + 2, c]), f32(X[n, h + 1, w + 2, c]), f32(X[n, h + 2, w + 2, c]), f32(X[n, h + 3, w + 2, c]));
        let e = input_side2(f32(X[n, h, w + 3, c]), f32(X[n, h + 1, w + 3, c]), f32(X[n, h + 2, w + 3, c]), f32(X[n, h + 3, w + 3, c]));
        let v0 = input_side2(a.0, b.0, d.0, e.0);
        V[0, t, c] = v0.0; V[1, t, c] = v0.1; V[2, t, c] = v0.2; V[3, t, c] = v0.3;
        let v1 = input_side2(a.1, b.1, d.1, e.1);
        V[4, t, c] = v1.0; V[5, t, c] = v1.1; V[6, t, c] = v1.2; V[7, t, c] = v1.3;
        let v2 = input_side2(a.2, b.2, d.2, e.2);
        V[8, t, c] = v2.0; V[9, t, c] = v2.1; V[10, t, c] = v2.2; V[11, t, c] = v2.3;
        let v3 = input_side2(a.3, b.3, d.3, e.3);
        V[12, t, c] = v3.0; V[13, t, c] = v3.1; V[14, t, c] = v3.2; V[15, t, c] = v3.3;
    }
    grid (each x in 16, m in KB, t in N * I * J, j in B) {
        f32 acc[m, t, j] = 0;
        for (c in C) acc += dot(V[x, t, c], U[x, m, c, j], c);
        M[x, t, m * B + j] = acc;
    }
    grid (each n in N, each i in I, each j in J, k in K) {
        let t = (n * I + i) * J + j;
        f32 add[k] = 0;
        if (bias) add += f32(bias[k]);
        let a = output_side2(M[0, t, k], M[4, t, k], M[8, t, k], M[12, t, k]);
        let b = output_side2(M[1, t, k], M[5, t, k], M[9, t, k], M[13, t, k]);
        let d = output_side2(M[2, t, k], M[6, t, k], M[10, t, k], M[14, t, k]);
        let e = output_side2(M[3, t, k], M[7, t, k], M[11, t, k], M[15, t, k]);
        let y0 = output_side2(a.0, b.0, d.0, e.0);
        Y[n, 2 * i, 2 * j, k] = T(activate(y0.0 + add, act, 0));
        Y[n, 2 * i, 2 * j + 1, k] = T(activate(y0.1 + add, act, 0));
        let y1 = output_side2(a.1, b.1, d.1, e.1);
        Y[n, 2 * i + 1, 2 * j, k] = T(activate(y1.0 + add, act, 0));
        Y[n, 2 * i + 1, 2 * j + 1, k] = T(activate(y1.1 + add, act, 0));
    }
}
