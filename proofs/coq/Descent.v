(** Gradient descent on R^n: what a step gains, what a gap says of the gradient, and how distances contract.

    The book takes convexity.cocoercivity as a foundation. Here it is a lemma, from strong convexity and the
    Lipschitz gradient. *)

From Coq Require Import Reals Lra Psatz.
From Coquelicot Require Import Coquelicot.
From Book Require Import Vectors Calculus.
Open Scope R_scope.

(** A gradient step. *)
Definition descend {n} (g : vector n -> vector n) step_size (w : vector n) : vector n := (w - step_size * g w)%V.

(** Mirrors [descent.step]. *)
Theorem descent_step (n : nat) (F : vector n -> R) (g : vector n -> vector n) (w : vector n) (gradient_norm step_size smoothness : R) :
  0 < step_size -> 0 <= gradient_norm -> 0 <= 2 - smoothness * step_size ->
  gradient F g -> smooth smoothness g -> gradient_norm <= norm (g w) ->
  step_size * (1 - / 2 * smoothness * step_size) * gradient_norm ^ 2 <= F w - F (descend g step_size w).
Proof.
  intros positive known short first lipschitz below.
  pose proof (descent_lemma _ _ _ first lipschitz w ((- step_size) * g w)%V) as drop.
  replace (w + (- step_size) * g w)%V with (descend g step_size w) in drop by (unfold descend; coordinates).
  rewrite inner_scale_r, norm_scale, Rabs_left, <- norm_square in drop by lra.
  assert (gradient_norm * gradient_norm <= norm (g w) * norm (g w)) by (apply Rmult_le_compat; lra).
  assert (0 <= step_size * (1 - / 2 * smoothness * step_size)) by (apply Rmult_le_pos; lra). nra.
Qed.

(** Mirrors [descent.gradient-norm]: an objective within a gap of a lower bound. *)
Theorem descent_gradient_norm (n : nat) (F : vector n -> R) (g : vector n -> vector n) (w : vector n) (infimum gap smoothness : R) :
  0 < smoothness -> gradient F g -> smooth smoothness g -> (forall v, infimum <= F v) -> F w - infimum <= gap ->
  norm (g w) <= sqrt (2 * smoothness * gap).
Proof.
  intros positive first lipschitz least near.
  assert (size : 0 < / smoothness) by now apply Rinv_0_lt_compat.
  pose proof (descent_step n F g w (norm (g w)) (/ smoothness) smoothness size (norm_nonnegative _)
    ltac:(rewrite Rinv_r; lra) first lipschitz (Rle_refl _)) as gain.
  specialize (least (descend g (/ smoothness) w)).
  replace (/ smoothness * (1 - / 2 * smoothness * / smoothness) * norm (g w) ^ 2)
    with (norm (g w) * norm (g w) / (2 * smoothness)) in gain by (field; lra).
  assert (square : norm (g w) * norm (g w) / (2 * smoothness) <= gap) by lra. apply Rle_div_l in square; [|lra].
  rewrite <- (sqrt_square (norm (g w))) by apply norm_nonnegative. apply sqrt_le_1_alt. lra.
Qed.

(** Mirrors [descent.least-gradient]: f t is the objective after t steps, size t the norm of its gradient. *)
Theorem descent_least_gradient (f size : nat -> R) (taken : nat) (gap steps rate : R) :
  0 < rate -> 0 < steps -> steps <= INR taken -> (forall t, 0 <= size t) ->
  (forall t, (t < taken)%nat -> rate * size t ^ 2 <= f t - f (S t)) -> f 0%nat - f taken <= gap ->
  exists t, (t < taken)%nat /\ size t <= sqrt (gap / (steps * rate)).
Proof.
  intros positive some many nonnegative gain whole. set (level := sqrt (gap / (steps * rate))).
  assert (falling : forall k, (k <= taken)%nat -> f k <= f 0%nat).
  { induction k as [|k IH]; intros within; [lra|]. specialize (IH ltac:(lia)). specialize (gain k ltac:(lia)).
    pose proof (pow2_ge_0 (size k)). nra. }
  assert (product : 0 < steps * rate) by now apply Rmult_lt_0_compat.
  assert (squared : steps * rate * (level * level) = gap).
  { unfold level. rewrite sqrt_sqrt; [field; lra|]. specialize (falling taken (le_n _)). apply Rle_div_r; lra. }
  assert (nonnegative_level : 0 <= level) by apply sqrt_pos.
  assert (small : forall k, (k <= taken)%nat ->
      (exists t, (t < k)%nat /\ size t <= level) \/ (k = 0%nat \/ INR k * (rate * (level * level)) < f 0%nat - f k)).
  { induction k as [|k IH]; intros within; [right; now left|].
    destruct (IH ltac:(lia)) as [[t [before found]]|gained]; [left; exists t; split; [lia | exact found]|].
    destruct (Rle_lt_dec (size k) level) as [found|above]; [left; exists k; split; [lia | exact found]|].
    right; right. specialize (gain k ltac:(lia)). rewrite S_INR.
    assert (rate * (level * level) < rate * size k ^ 2) by (apply Rmult_lt_compat_l; nra).
    destruct gained as [-> | gained]; simpl; lra. }
  destruct (small taken (le_n _)) as [found|[none|more]]; [exact found | exfalso ..].
  - subst taken. simpl in many. lra.
  - assert (0 <= rate * (level * level)) by (apply Rmult_le_pos; nra).
    assert (steps * (rate * (level * level)) <= INR taken * (rate * (level * level))) by now apply Rmult_le_compat_r. lra.
Qed.

Section Cocoercivity.
Context {n : nat}.
Variables (F : vector n -> R) (g : vector n -> vector n) (mu beta : R).
Hypothesis first : gradient F g.
Hypothesis strong : strongly_convex mu F.
Hypothesis lipschitz : smooth beta g.

(** F less mu/2 |.|^2 lies between its tangents and its tangents plus (beta - mu)/2 |.|^2. *)
Let less (w : vector n) := F w - mu / 2 * inner w w.
Let slope (w : vector n) := (g w - mu * w)%V.

Lemma tangent_below x y : less x + inner (slope x) (y - x)%V <= less y.
Proof.
  pose proof (first_order mu F g first strong x y) as below. rewrite norm_square in below.
  unfold less, slope. rewrite inner_sub, inner_scale.
  rewrite !inner_sub, !inner_sub_r, (inner_sym y x) in below. rewrite !inner_sub_r in *. nra.
Qed.

Lemma tangent_above x v : less (x + v)%V <= less x + inner (slope x) v + (beta - mu) / 2 * inner v v.
Proof.
  pose proof (descent_lemma beta F g first lipschitz x v) as above. rewrite norm_square in above.
  unfold less, slope. rewrite inner_sub, inner_scale, !inner_add, !inner_add_r, (inner_sym v x). nra.
Qed.

Lemma cocoercive_for k x y : 0 < k -> beta - mu <= k ->
  inner (slope x - slope y)%V (slope x - slope y)%V <= k * inner (slope x - slope y)%V (x - y)%V.
Proof.
  intros positive large.
  assert (half : forall x y, less x + inner (slope x) (y - x)%V + / (2 * k) * inner (slope y - slope x)%V (slope y - slope x)%V <= less y).
  { clear x y. intros x y. set (a := (slope y - slope x)%V).
    pose proof (tangent_below x (y + (- / k) * a)%V) as below. pose proof (tangent_above y ((- / k) * a)%V) as above.
    replace (y + (- / k) * a - x)%V with ((y - x) + (- / k) * a)%V in below by coordinates.
    rewrite inner_add_r, inner_scale_r in below. rewrite !inner_scale_r, inner_scale in above.
    assert (0 <= inner a a) by apply inner_nonnegative.
    assert (gain : inner (slope y) a - inner (slope x) a = inner a a) by (unfold a at 3; now rewrite inner_sub).
    assert ((beta - mu) / 2 * (- / k * (- / k * inner a a)) <= / (2 * k) * inner a a).
    { replace ((beta - mu) / 2 * (- / k * (- / k * inner a a))) with ((beta - mu) / k * (/ (2 * k) * inner a a)) by (field; lra).
      rewrite <- (Rmult_1_l (/ (2 * k) * inner a a)) at 2. apply Rmult_le_compat_r.
      - apply Rmult_le_pos; [|assumption]. apply Rlt_le, Rinv_0_lt_compat. lra.
      - apply Rle_div_l; lra. }
    replace (/ (2 * k) * inner a a) with (/ k * inner a a - / (2 * k) * inner a a) by (field; lra). nra. }
  pose proof (half x y) as one. pose proof (half y x) as two.
  set (a := (slope x - slope y)%V) in *.
  replace (slope y - slope x)%V with ((-1) * a)%V in one by (unfold a; coordinates).
  replace (y - x)%V with ((-1) * (x - y))%V in one by coordinates.
  rewrite !inner_scale_r, inner_scale in one.
  assert (pairing : inner (slope x) (x - y)%V - inner (slope y) (x - y)%V = inner a (x - y)%V) by (unfold a; now rewrite inner_sub).
  replace (inner a a) with (k * (2 * (/ (2 * k) * inner a a))) by (field; lra). apply Rmult_le_compat_l; lra.
Qed.

(** convexity.cocoercivity *)
Lemma cocoercivity x y : mu <= beta ->
  mu * beta * inner (x - y)%V (x - y)%V + inner (g x - g y)%V (g x - g y)%V <= (mu + beta) * inner (g x - g y)%V (x - y)%V.
Proof.
  intros order. set (a := (slope x - slope y)%V).
  assert (bound : inner a a <= (beta - mu) * inner a (x - y)%V).
  { destruct (Rle_lt_or_eq_dec 0 (beta - mu)) as [apart|same]; [lra | apply cocoercive_for; lra |].
    rewrite <- same, Rmult_0_l. destruct (Rle_lt_dec (inner a a) 0) as [fine|above]; [exact fine|exfalso].
    set (q := Rabs (inner a (x - y)%V) + 1). assert (0 < q) by (unfold q; pose proof (Rabs_pos (inner a (x - y)%V)); lra).
    pose proof (cocoercive_for (inner a a / (2 * q)) x y ltac:(apply Rdiv_lt_0_compat; lra)
      ltac:(rewrite <- same; apply Rlt_le, Rdiv_lt_0_compat; lra)) as small. fold a in small.
    assert (inner a (x - y)%V <= q) by (unfold q; pose proof (Rle_abs (inner a (x - y)%V)); lra).
    assert (inner a a / (2 * q) * inner a (x - y)%V <= inner a a / (2 * q) * q)
      by (apply Rmult_le_compat_l; [apply Rlt_le, Rdiv_lt_0_compat; lra | assumption]).
    replace (inner a a / (2 * q) * q) with (inner a a / 2) in * by (field; lra). lra. }
  replace a with ((g x - g y) - mu * (x - y))%V in bound by (unfold a, slope; coordinates).
  set (d := (x - y)%V) in *. set (h := (g x - g y)%V) in *.
  rewrite !inner_sub, !inner_sub_r, !inner_scale, !inner_scale_r, (inner_sym d h) in bound. nra.
Qed.
End Cocoercivity.

(** Mirrors [descent.contraction]: at any step size; a convex objective has mu = 0. *)
Theorem descent_contraction (n : nat) (F : vector n -> R) (g : vector n -> vector n) (x y : vector n)
  (step_size strong_convexity smoothness : R) :
  0 < step_size -> 0 <= strong_convexity -> gradient F g -> strongly_convex strong_convexity F -> smooth smoothness g ->
  norm (descend g step_size x - descend g step_size y)%V
    <= Rmax (1 - step_size * strong_convexity) (step_size * smoothness - 1) * norm (x - y)%V.
Proof.
  intros positive known first strong lipschitz.
  set (d := (x - y)%V). set (h := (g x - g y)%V).
  replace (descend g step_size x - descend g step_size y)%V with (d - step_size * h)%V by (unfold d, h, descend; coordinates).
  pose proof (strong_monotonicity _ _ _ first strong x y) as monotone. fold d h in monotone.
  assert (short : inner h d <= smoothness * (norm d * norm d)).
  { assert (inner h d <= norm h * norm d) by apply cauchy_schwarz. specialize (lipschitz x y). fold d h in lipschitz.
    assert (0 <= norm d) by apply norm_nonnegative. nra. }
  assert (0 <= norm d) by apply norm_nonnegative.
  destruct (Req_dec (norm d) 0) as [same|apart].
  { rewrite same in *. rewrite Rmult_0_r.
    specialize (lipschitz x y). fold d h in lipschitz. rewrite same, Rmult_0_r in lipschitz.
    pose proof (triangle_sub d (step_size * h)%V) as way. rewrite norm_scale, same in way. pose proof (norm_nonnegative h).
    replace (norm h) with 0 in way by lra. lra. }
  assert (order : strong_convexity <= smoothness) by (apply Rmult_le_reg_r with (norm d * norm d); [apply Rmult_lt_0_compat; lra | lra]).
  pose proof (cocoercivity _ _ _ _ first strong lipschitz x y order) as together. fold d h in together. rewrite <- norm_square in together.
  set (factor := Rmax _ _).
  assert (left : 1 - step_size * strong_convexity <= factor) by apply Rmax_l.
  assert (right : step_size * smoothness - 1 <= factor) by apply Rmax_r.
  assert (step_size * strong_convexity <= step_size * smoothness) by (apply Rmult_le_compat_l; lra).
  assert (0 <= factor) by lra.
  apply norm_le_of_square; [apply Rmult_le_pos; assumption|].
  rewrite inner_sub, !inner_sub_r, !inner_scale, !inner_scale_r, (inner_sym d h), <- (norm_square d).
  set (e := norm d) in *. set (q := inner h h) in *. set (p := inner h d) in *.
  assert (square : step_size * (step_size * q) <= step_size * step_size * ((strong_convexity + smoothness) * p - strong_convexity * smoothness * (e * e)))
    by nra.
  destruct (Rle_lt_dec 0 (2 - step_size * (strong_convexity + smoothness))) as [slow|fast].
  - assert (0 <= step_size * (2 - step_size * (strong_convexity + smoothness)) * (p - strong_convexity * (e * e)))
      by (apply Rmult_le_pos; [apply Rmult_le_pos; lra | lra]).
    assert ((1 - step_size * strong_convexity) * (1 - step_size * strong_convexity) * (e * e) <= factor * factor * (e * e))
      by (apply Rmult_le_compat_r; [apply Rmult_le_pos; lra | apply Rmult_le_compat; lra]). nra.
  - assert (0 <= step_size * (step_size * (strong_convexity + smoothness) - 2) * (smoothness * (e * e) - p))
      by (apply Rmult_le_pos; [apply Rmult_le_pos; lra | lra]).
    assert ((step_size * smoothness - 1) * (step_size * smoothness - 1) * (e * e) <= factor * factor * (e * e))
      by (apply Rmult_le_compat_r; [apply Rmult_le_pos; lra | apply Rmult_le_compat; lra]). nra.
Qed.
