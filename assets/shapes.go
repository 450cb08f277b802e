package assets

// Shapes are the signs of the window and the page, by their names: what is inside an SVG of 16 by 16 units. Each has a
// form of its own, for people who don't see the colours.
var Shapes = map[string]string{
	"unknown": `<path d="M4 8 H12" stroke="#858c95" stroke-width="2.4" stroke-linecap="round" fill="none"/>`,
	"up": `<circle cx="8" cy="8" r="7" fill="#009e73"/>
		<path d="M4.75 8.25 L7 10.5 L11.25 5.75" fill="none" stroke="#ffffff" stroke-width="1.9" stroke-linecap="round" stroke-linejoin="round"/>`,
	"working": `<path d="M8 2.4 A5.6 5.6 0 1 0 13.6 8" fill="none" stroke="#0072b2" stroke-width="2.6"/>`, // open, as in the tray
	"impaired": `<path d="M8 2.2 L14.4 13.4 L1.6 13.4 Z" fill="#e69f00" stroke="#e69f00" stroke-width="1.6" stroke-linejoin="round"/>
		<path d="M8 6 V9.4" stroke="#1a1200" stroke-width="1.8" stroke-linecap="round" fill="none"/><circle cx="8" cy="11.8" r="1.05" fill="#1a1200"/>`,
	"down": `<path d="M8 1.6 L14.4 8 L8 14.4 L1.6 8 Z" fill="#d55e00" stroke="#d55e00" stroke-width="1.4" stroke-linejoin="round"/>
		<path d="M6 6 L10 10 M10 6 L6 10" fill="none" stroke="#ffffff" stroke-width="1.7" stroke-linecap="round"/>`,
	"resting": `<circle cx="8" cy="8" r="7" fill="#cc79a7"/>
		<path d="M8 4.2 V8 L10.7 9.7" fill="none" stroke="#2a0a1c" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round"/>`,
	"paused": `<path d="M3 2.5 H6.6 V13.5 H3 Z M9.4 2.5 H13 V13.5 H9.4 Z" fill="#858c95"/>`,
	"off": `<circle cx="8" cy="8" r="5.9" fill="none" stroke="#858c95" stroke-width="2"/>
		<path d="M4 12 L12 4" fill="none" stroke="#858c95" stroke-width="2"/>`,
	"over":    `<path d="M2.5 2.5 H13.5 V13.5 H2.5 Z" fill="#858c95"/>`,
	"blocked": `<circle cx="8" cy="8" r="7" fill="#e69f00"/><path d="M3.4 6.4 H12.6 V9.6 H3.4 Z" fill="#1a1200"/>`,
}
