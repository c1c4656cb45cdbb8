import type { Art } from "./texts";

/** Drawings of the products, in the colours of the page. */
export const art: Record<Art, string> = {
  phone:
    '<rect x="66" y="14" width="68" height="122" rx="13" class="body"/><rect x="71" y="19" width="58" height="112" rx="9" class="screen"/><rect x="91" y="23" width="18" height="5" rx="2.5" class="body"/><path d="M71 94c18-16 38-2 58-18v46a9 9 0 0 1-9 9H80a9 9 0 0 1-9-9z" class="glow"/>',
  laptop:
    '<rect x="42" y="30" width="116" height="76" rx="7" class="body"/><rect x="48" y="36" width="104" height="64" rx="3" class="screen"/><path d="M48 82c26-20 60 4 104-26v41a3 3 0 0 1-3 3H51a3 3 0 0 1-3-3z" class="glow"/><path d="M26 108h148l-5 9a5 5 0 0 1-4 2H35a5 5 0 0 1-4-2z" class="metal"/><path d="M86 108h28l-2 4H88z" class="body"/>',
  tv: '<rect x="24" y="22" width="152" height="90" rx="5" class="body"/><rect x="28" y="26" width="144" height="82" rx="2" class="screen"/><path d="M28 84c40-30 84 8 144-36v58a2 2 0 0 1-2 2H30a2 2 0 0 1-2-2z" class="glow"/><path d="M92 112h16v10H92z" class="metal"/><rect x="68" y="121" width="64" height="6" rx="3" class="metal"/>',
  headphones:
    '<path d="M50 92V76a50 50 0 0 1 100 0v16" class="line"/><rect x="40" y="82" width="28" height="46" rx="13" class="body"/><rect x="132" y="82" width="28" height="46" rx="13" class="body"/><rect x="60" y="86" width="12" height="38" rx="6" class="glow"/><rect x="128" y="86" width="12" height="38" rx="6" class="glow"/>',
  console:
    '<path d="M84 16c-10 0-16 6-16 14v86c0 7 5 12 12 13l10 1V16z" class="metal"/><path d="M96 18h14c5 0 8 3 8 8v94c0 5-3 8-8 8H96z" class="body"/><path d="M92 22v102" class="thin"/><rect x="134" y="78" width="48" height="34" rx="16" class="metal"/><circle cx="146" cy="92" r="5" class="body"/><circle cx="170" cy="92" r="5" class="body"/><path d="M152 84h12v8h-12z" class="glow"/>',
  watch:
    '<path d="M78 8h44l4 34H74zM74 108h52l-4 34H78z" class="metal"/><rect x="64" y="38" width="72" height="74" rx="20" class="body"/><rect x="70" y="44" width="60" height="62" rx="15" class="screen"/><circle cx="100" cy="75" r="20" class="ring"/><path d="M100 63v12l8 6" class="thin"/><rect x="136" y="64" width="5" height="18" rx="2.5" class="metal"/>',
  tablet:
    '<rect x="46" y="14" width="108" height="122" rx="10" class="body"/><rect x="53" y="21" width="94" height="108" rx="5" class="screen"/><path d="M53 92c30-26 56 6 94-26v58a5 5 0 0 1-5 5H58a5 5 0 0 1-5-5z" class="glow"/>',
  earbuds:
    '<rect x="58" y="74" width="84" height="58" rx="22" class="metal"/><path d="M58 96h84" class="thin"/><circle cx="100" cy="108" r="3" class="glow"/><path d="M78 22a14 14 0 0 1 14 14v8a8 8 0 0 1-8 8v14h-8V44a14 14 0 0 1 2-22zM122 22a14 14 0 0 0-14 14v8a8 8 0 0 0 8 8v14h8V44a14 14 0 0 0-2-22z" class="metal"/>',
};
