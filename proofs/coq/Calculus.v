(** Gradients, Hessians and strong convexity on R^n, by their definitions along lines.

    The book takes these as foundations: convexity.strong-monotonicity, calculus.stationarity,
    calculus.taylor-remainder, calculus.descent-lemma. Here each is a lemma. *)

From Coq Require Import Reals Lra Psatz.
From Coquelicot Require Import Coquelicot.
From Book Require Import Vectors.
Open Scope R_scope.

(** ** Two facts about functions of one variable *)

(** A bound on all difference quotients near 0 bounds the derivative. *)
Lemma derivative_below (f : R -> R) l a b :
  is_derive f 0 l -> (forall t, 0 < t <= 1 -> f t - f 0 <= t * (a + b * t)) -> l <= a.
Proof.
  intros derivative below. destruct (Rle_lt_dec l a) as [done|above]; [exact done | exfalso].
  apply is_derive_Reals in derivative.
  destruct (derivative ((l - a) / 2)) as [delta near]; [lra|].
  assert (0 < delta) by apply cond_pos.
  set (c := (l - a) / (4 * (Rabs b + 1))).
  assert (0 <= Rabs b) by apply Rabs_pos.
  assert (small : (Rabs b + 1) * c = (l - a) / 4) by (unfold c; field; lra).
  assert (0 < c) by (apply Rdiv_lt_0_compat; lra).
  set (h := Rmin (delta / 2) (Rmin 1 c)).
  assert (0 < h) by (unfold h; repeat apply Rmin_glb_lt; lra).
  assert (h <= delta / 2) by apply Rmin_l.
  assert (h <= Rmin 1 c) by apply Rmin_r.
  assert (Rmin 1 c <= 1) by apply Rmin_l.
  assert (Rmin 1 c <= c) by apply Rmin_r.
  specialize (near h). rewrite Rplus_0_l in near.
  assert (Rabs h < delta) by (rewrite Rabs_pos_eq; lra).
  specialize (near ltac:(lra) ltac:(assumption)). apply Rabs_def2 in near.
  specialize (below h ltac:(lra)).
  assert (quotient : (f h - f 0) / h <= a + b * h) by (apply Rle_div_l; [assumption | lra]).
  assert (b * h <= Rabs b * h) by (apply Rmult_le_compat_r; [lra | apply Rle_abs]).
  nra.
Qed.

(** A function whose derivative is at most 0 on [0, 1] does not rise from 0 to 1 (calculus.chain-rule). *)
Lemma falls (f d : R -> R) :
  (forall t, is_derive f t (d t)) -> (forall t, 0 <= t <= 1 -> d t <= 0) -> f 1 <= f 0.
Proof.
  intros derivative negative.
  destruct (MVT_gen f 0 1 d) as [c [inside value]].
  - intros t _. apply derivative.
  - intros t _. apply continuity_pt_filterlim. apply (ex_derive_continuous f). exists (d t). apply derivative.
  - rewrite Rmin_left, Rmax_right in inside by lra. specialize (negative c inside). nra.
Qed.

(** calculus.mean-value on the line: a bound on the derivative is a Lipschitz constant. *)
Lemma lipschitz_of_derivative (f d : R -> R) k :
  (forall t, is_derive f t (d t)) -> (forall t, Rabs (d t) <= k) -> forall a b, Rabs (f a - f b) <= k * Rabs (a - b).
Proof.
  intros derivative bounded a b.
  destruct (MVT_gen f b a d) as [c [_ value]].
  - intros t _. apply derivative.
  - intros t _. apply continuity_pt_filterlim. apply (ex_derive_continuous f). exists (d t). apply derivative.
  - rewrite value, Rabs_mult. apply Rmult_le_compat_r; [apply Rabs_pos | apply bounded].
Qed.

(** ** Definitions *)

Section Definitions.
Context {n : nat}.
Implicit Types (x y v u w : vector n) (F : vector n -> R) (g : vector n -> vector n) (H : vector n -> vector n -> vector n).

(** g is the gradient of F: along every line the derivative of F is the inner product of g with the direction. *)
Definition gradient F g := forall x v t, is_derive (fun s => F (x + s * v)%V) t (inner (g (x + t * v)%V) v).

(** H x is the derivative of g at x: a linear map. *)
Record hessian g H : Prop := {
  derivative_of_gradient : forall x v u t, is_derive (fun s => inner (g (x + s * v)%V) u) t (inner (H (x + t * v)%V v) u);
  additive : forall x v u, H x (v + u)%V = (H x v + H x u)%V;
  homogeneous : forall x a v, H x (a * v)%V = (a * H x v)%V }.

Definition strongly_convex mu F :=
  forall x y t, 0 <= t <= 1 ->
    F (x + t * (y - x))%V <= (1 - t) * F x + t * F y - mu / 2 * t * (1 - t) * (norm (y - x)%V * norm (y - x)%V).

Definition smooth beta g := forall x y, norm (g x - g y)%V <= beta * norm (x - y)%V.

Definition lipschitz_hessian M H := forall x y v, norm (H x v - H y v)%V <= M * norm (x - y)%V * norm v.

Definition minimiser F w := forall y, F w <= F y.

(** The same on a convex set, for parameters under constraints. *)
Definition convex (C : vector n -> Prop) := forall x y t, C x -> C y -> 0 <= t <= 1 -> C (x + t * (y - x))%V.
Definition minimiser_in (C : vector n -> Prop) F w := C w /\ forall y, C y -> F w <= F y.

(** ** Lemmas *)

Lemma strongly_convex_weaken nu mu F : nu <= mu -> strongly_convex mu F -> strongly_convex nu F.
Proof.
  intros less strong x y t between. specialize (strong x y t between).
  assert (0 <= t * (1 - t) * (norm (y - x)%V * norm (y - x)%V)).
  { apply Rmult_le_pos; [nra|]. assert (0 <= norm (y - x)%V) by apply norm_nonnegative. nra. }
  nra.
Qed.

Lemma at_zero x v : (x + 0 * v)%V = x.
Proof. coordinates. Qed.

Lemma at_one x v : (x + 1 * v)%V = (x + v)%V.
Proof. coordinates. Qed.

Lemma the_way x y : (x + (y - x))%V = y.
Proof. coordinates. Qed.

Lemma first_order mu F g : gradient F g -> strongly_convex mu F ->
  forall x y, F x + inner (g x) (y - x)%V + mu / 2 * (norm (y - x)%V * norm (y - x)%V) <= F y.
Proof.
  intros derivative strong x y. set (q := norm (y - x)%V * norm (y - x)%V).
  pose proof (derivative x (y - x)%V 0) as slope. rewrite at_zero in slope.
  apply derivative_below with (a := F y - F x - mu / 2 * q) (b := mu / 2 * q) in slope; [lra|].
  intros t between. rewrite at_zero. specialize (strong x y t ltac:(lra)). fold q in strong. nra.
Qed.

(** convexity.strong-monotonicity *)
Lemma strong_monotonicity mu F g : gradient F g -> strongly_convex mu F ->
  forall x y, mu * (norm (x - y)%V * norm (x - y)%V) <= inner (g x - g y)%V (x - y)%V.
Proof.
  intros derivative strong x y.
  pose proof (first_order mu F g derivative strong x y) as one.
  pose proof (first_order mu F g derivative strong y x) as two.
  rewrite (norm_sub_sym y x) in one. rewrite inner_sub.
  replace (y - x)%V with ((-1) * (x - y))%V in one by coordinates. rewrite inner_scale_r in one. lra.
Qed.

(** A strongly convex function grows by mu/2 times the square of the way from its minimiser, on a convex set too. *)
Lemma growth mu F C w : strongly_convex mu F -> convex C -> minimiser_in C F w ->
  forall y, C y -> F w + mu / 2 * (norm (y - w)%V * norm (y - w)%V) <= F y.
Proof.
  intros strong shape [inside least] y also. set (q := norm (y - w)%V * norm (y - w)%V).
  assert (below : 0 <= F y - F w - mu / 2 * q).
  { apply (derivative_below (fun _ => 0) 0 _ (mu / 2 * q)).
    - apply (is_derive_const (K := R_AbsRing) (V := R_NormedModule)).
    - intros t between. specialize (strong w y t ltac:(lra)). fold q in strong.
      specialize (least _ (shape w y t inside also ltac:(lra))). nra. }
  lra.
Qed.

(** calculus.stationarity *)
Lemma stationarity F g w : gradient F g -> minimiser F w -> forall v, inner (g w) v = 0.
Proof.
  intros derivative least.
  assert (half : forall v, 0 <= inner (g w) v).
  { intros v. pose proof (derivative w v 0) as slope. rewrite at_zero in slope.
    apply (is_derive_opp (K := R_AbsRing) (V := R_NormedModule)) in slope.
    apply derivative_below with (a := 0) (b := 0) in slope.
    - unfold opp in slope; simpl in slope. lra.
    - intros t _. rewrite at_zero. specialize (least (w + t * v)%V). unfold opp; simpl. lra. }
  intros v. assert (0 <= inner (g w) v) by apply half.
  assert (0 <= inner (g w) ((-1) * v)%V) by apply half. rewrite inner_scale_r in *. lra.
Qed.

(** convexity.strong-monotonicity, for the Hessian *)
Lemma hessian_at_least mu F g H : gradient F g -> hessian g H -> strongly_convex mu F ->
  forall x v, mu * (norm v * norm v) <= inner (H x v) v.
Proof.
  intros first second strong x v.
  pose proof (derivative_of_gradient g H second x v v 0) as slope. rewrite at_zero in slope.
  apply (is_derive_opp (K := R_AbsRing) (V := R_NormedModule)) in slope.
  apply derivative_below with (a := - (mu * (norm v * norm v))) (b := 0) in slope.
  - unfold opp in slope; simpl in slope. lra.
  - intros t between. rewrite at_zero. unfold opp; simpl.
    pose proof (strong_monotonicity mu F g first strong (x + t * v)%V x) as monotone.
    replace (x + t * v - x)%V with (t * v)%V in monotone by coordinates.
    rewrite norm_scale, Rabs_pos_eq, inner_scale_r, inner_sub in monotone by lra.
    apply Rmult_le_reg_l with t; [lra|]. nra.
Qed.

(** calculus.taylor-remainder *)
Lemma taylor_remainder M g H : hessian g H -> lipschitz_hessian M H -> 0 <= M ->
  forall x v, norm (g (x + v) - g x - H x v)%V <= M / 2 * (norm v * norm v).
Proof.
  intros second lipschitz positive x v. assert (0 <= norm v) by apply norm_nonnegative.
  apply norm_le_dual; [nra|]. intros u.
  pose (f t := inner (g (x + t * v)%V) u - t * inner (H x v) u - M / 2 * t * t * (norm v * norm v) * norm u).
  pose (d t := inner (H (x + t * v)%V v) u - inner (H x v) u - M * t * (norm v * norm v) * norm u).
  assert (drop : f 1 <= f 0).
  { apply falls with d.
    - intros t. unfold f, d. pose proof (derivative_of_gradient g H second x v u t) as slope.
      apply (is_derive_minus (K := R_AbsRing) (V := R_NormedModule)).
      + apply (is_derive_minus (K := R_AbsRing) (V := R_NormedModule)); [exact slope|]. auto_derive; [easy|]. ring.
      + auto_derive; [easy|]. field.
    - intros t between. unfold d. rewrite <- inner_sub.
      assert (inner (H (x + t * v) v - H x v)%V u <= norm (H (x + t * v) v - H x v)%V * norm u) by apply cauchy_schwarz.
      specialize (lipschitz (x + t * v)%V x v).
      replace (x + t * v - x)%V with (t * v)%V in lipschitz by coordinates.
      rewrite norm_scale, Rabs_pos_eq in lipschitz by lra.
      assert (0 <= norm u) by apply norm_nonnegative. nra. }
  unfold f in drop. rewrite at_one, at_zero in drop. rewrite !inner_sub. lra.
Qed.

(** calculus.descent-lemma *)
Lemma descent_lemma beta F g : gradient F g -> smooth beta g ->
  forall x v, F (x + v)%V <= F x + inner (g x) v + beta / 2 * (norm v * norm v).
Proof.
  intros first lipschitz x v. assert (0 <= norm v) by apply norm_nonnegative.
  pose (f t := F (x + t * v)%V - t * inner (g x) v - beta / 2 * t * t * (norm v * norm v)).
  pose (d t := inner (g (x + t * v)%V) v - inner (g x) v - beta * t * (norm v * norm v)).
  assert (drop : f 1 <= f 0).
  { apply falls with d.
    - intros t. unfold f, d. pose proof (first x v t) as slope.
      apply (is_derive_minus (K := R_AbsRing) (V := R_NormedModule)).
      + apply (is_derive_minus (K := R_AbsRing) (V := R_NormedModule)); [exact slope|]. auto_derive; [easy|]. ring.
      + auto_derive; [easy|]. field.
    - intros t between. unfold d. rewrite <- inner_sub.
      assert (inner (g (x + t * v) - g x)%V v <= norm (g (x + t * v) - g x)%V * norm v) by apply cauchy_schwarz.
      specialize (lipschitz (x + t * v)%V x).
      replace (x + t * v - x)%V with (t * v)%V in lipschitz by coordinates.
      rewrite norm_scale, Rabs_pos_eq in lipschitz by lra. nra. }
  unfold f in drop. rewrite at_one, at_zero in drop. lra.
Qed.

End Definitions.
